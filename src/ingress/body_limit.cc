#include "ingress/body_limit.h"

namespace wherry::ingress {
namespace {

constexpr const char* kProgramFile = "body-limit.lua";

// Filters are called with what a request has of data, once they have asked for it. What they may look at beside that
// depends on what else was done with the request, but for variables: txn.limit is there while bytes are to be counted.
constexpr const char* kProgram = R"(local Limit = {id = "body-limit", flags = filter.FLT_CFG_FL_HTX}

function Limit:new()
  return setmetatable({count = 0}, {__index = self})
end

function Limit:http_headers(txn, message)
  self.limit = txn:get_var("txn.limit")
  if not message.channel:is_resp() and self.limit then filter.register_data_filter(self, message.channel) end
  return filter.CONTINUE
end

function Limit:http_payload(txn, message)
  if message.channel:is_resp() then return end
  local bytes = message:input()
  if not self.limit or self.count + bytes <= self.limit then
    self.count = self.count + bytes
    return bytes
  end
  -- Looked at closely: the end of a body counts as a byte, and trailers as some.
  self.count = self.count + #(message:body() or "")
  if self.count <= self.limit then return bytes end
  txn:set_var("txn.toolarge", 1)
  return filter.ERROR
end

core.register_filter("body-limit", Limit, function(limit) return limit end)
)";

// A small body is waited for, as far as a buffer goes: so its backend hears nothing of one that is too large.
constexpr uint64_t kBuffered = 15'000;  // tune.bufsize, without what is kept free for headers

}  // namespace

void renderBodyLimit(uint64_t limit, ConfigText& text) {
  if (limit < kBuffered) {
    text.line("  http-request wait-for-body time 10s at-least {} unless {{ req.hdr(content-length) -m found }}",
              limit + 1);
  }
  text.line("  http-request deny deny_status 413 if {{ req.body_size gt {} }}", limit);
  // The refusal is this section's then, and its object hears of it.
  text.line(".if !feature(LUA)");
  text.line("  .alert 'this HAProxy is built without Lua, which counts the bytes of a body'");
  text.line(".endif");
  text.line("  http-request set-var(txn.limit) int({}) unless {{ req.hdr(content-length) -m found }}", limit);
  // What follows is no body: a WebSocket.
  text.line("  http-response unset-var(txn.limit) if {{ status 101 }}");
  text.line("  filter lua.body-limit");
  // What a filter refuses is a bad request to HAProxy.
  text.line("  http-error status 400");
  text.line("  http-after-response set-status 413 if {{ var(txn.toolarge) -m found }}");
}

void loadBodyLimits(const std::string& directory, std::map<std::string, std::string>& files, ConfigText& text) {
  files[kProgramFile] = kProgram;
  text.line(".if feature(LUA)");
  text.line("  lua-load-per-thread {}/{}", directory, kProgramFile);
  text.line(".endif");
}

}  // namespace wherry::ingress
