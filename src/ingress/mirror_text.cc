#include "ingress/mirror_text.h"

#include <fmt/format.h>

#include "base/encoding.h"
#include "ingress/quoting.h"

namespace wherry::ingress {
namespace {

// Says to which mirror a copy goes, on the way to the frontend.
constexpr const char* kHeader = "x-wherry-mirror";

// Of this directory alone: abstract names are the whole machine's.
std::string socketOf(const Settings& settings) {
  return fmt::format("abns@wherry-mirrors-{:016x}", base::fnv1a64(settings.directory));
}

// One Lua state a thread: what is local here is local to that thread, and needs no lock.
constexpr const char* kScript = R"lua(
local longestBody, longestHeld, mostUnderWay = @LONGEST@, @HELD@, @UNDERWAY@
local patience, longestTime = 10, 30  -- seconds: without progress; until no more of a body is sent

local held = 0       -- bytes of all bodies
local underWay = {}  -- copies by mirror

math.randomseed(os.time() + (core.thread or 0))

-- These are about the client's connection, or are said anew.
local notCopied = {["connection"] = true, ["proxy-connection"] = true, ["keep-alive"] = true, ["upgrade"] = true,
                   ["transfer-encoding"] = true, ["content-length"] = true, ["expect"] = true, ["@HEADER@"] = true}

-- A request: its head, without what depends on the mirror, and the pieces of its body; none when it was given up.
local Copy = {}
Copy.__index = Copy

function Copy:drop()
  held = held - self.size
  self.size, self.pieces = 0, nil
end
Copy.__gc = Copy.drop

function Copy:add(piece)
  if not self.pieces then return end
  if self.size + #piece > longestBody or held + #piece > longestHeld then return self:drop() end
  self.size, held = self.size + #piece, held + #piece
  self.pieces[#self.pieces + 1] = piece
end

local function newCopy(line, headers)
  local path = line.uri:gsub("^%a[%w+.-]*://[^/?#]*", "")
  if path:sub(1, 1) ~= "/" and path ~= "*" then path = "/" .. path end
  local head = {line.method .. " " .. path .. " HTTP/1.1"}
  for name, values in pairs(headers) do
    for i = 0, notCopied[name:lower()] and -1 or #values do head[#head + 1] = name .. ": " .. values[i] end
  end
  head[#head + 1] = "connection: close"
  local hasBody = headers["content-length"] or headers["transfer-encoding"]
  return setmetatable({head = head, hasBody = hasBody, size = 0, pieces = {}, users = 0}, Copy)
end

function Copy:headFor(mirror)
  local head = table.concat(self.head, "\r\n") .. "\r\n@HEADER@: " .. mirror.name .. "\r\n"
  if self.hasBody or self.size > 0 then head = head .. "content-length: " .. self.size .. "\r\n" end
  return head .. "\r\n"
end

local function send(copy, mirror, address)
  local deadline = core.now().sec + longestTime
  local socket = core.tcp()
  socket:settimeout(patience)
  if socket:connect(address) then
    local sent = socket:send(copy:headFor(mirror))
    for _, piece in ipairs(copy.pieces) do
      if not sent or core.now().sec > deadline then break end
      sent = socket:send(piece)
    end
    if sent then socket:receive("*l") end
  end
  socket:close()
end

-- HAProxy before 2.6.13 keeps a reference to each function that became a task: it is given back.
local function startTask(run)
  local registry = debug.getregistry()
  local free = registry[0]
  local reference = free and free ~= 0 and free or #registry + 1
  core.register_task(run)
  if rawequal(registry[reference], run) then
    registry[reference] = registry[0]
    registry[0] = reference
  end
end

local function launch(copy, mirror, address)
  local count = underWay[mirror.name] or 0
  if count >= mostUnderWay then return end
  local function finish()
    underWay[mirror.name] = underWay[mirror.name] - 1
    copy.users = copy.users - 1
    if copy.users == 0 then copy:drop() end
  end
  underWay[mirror.name] = count + 1
  copy.users = copy.users + 1
  local started = pcall(startTask, function()
    pcall(send, copy, mirror, address)
    finish()
  end)
  if not started then finish() end
end

-- filter lua.mirror ADDRESS {MIRROR PART TOTAL}...
local Filter = {id = "mirror", flags = filter.FLT_CFG_FL_HTX}
Filter.__index = Filter

function Filter:new()
  return setmetatable({mirrors = self.mirrors, address = self.address}, Filter)
end

local function choose(mirrors)
  local chosen = {}
  for _, mirror in ipairs(mirrors) do
    if math.random(mirror.total) <= mirror.part then chosen[#chosen + 1] = mirror end
  end
  return chosen
end

local function begin(flt, message)
  local line, headers = message:get_stline(), message:get_headers()
  if line.method == "CONNECT" or headers["upgrade"] then return end
  flt.chosen = choose(flt.mirrors)
  if #flt.chosen == 0 then return end
  flt.copy = newCopy(line, headers)
  filter.register_data_filter(flt, message.channel)
end

-- An error here would be the request's: there is none.
function Filter:http_headers(txn, message)
  if not message.channel:is_resp() then pcall(begin, self, message) end
  return filter.CONTINUE
end

function Filter:http_payload(txn, message)
  if not self.copy or message.channel:is_resp() then return end
  local read, piece = pcall(message.body, message)
  if read and piece and #piece > 0 then self.copy:add(piece) end
end

function Filter:http_end(txn, message)
  local copy = self.copy
  if not copy or message.channel:is_resp() then return filter.CONTINUE end
  self.copy = nil
  if copy.pieces then
    for _, mirror in ipairs(self.chosen) do launch(copy, mirror, self.address) end
    if copy.users == 0 then copy:drop() end
  end
  return filter.CONTINUE
end

function Filter:end_analyze(txn, channel)
  if self.copy and not channel:is_resp() then
    self.copy:drop()
    self.copy = nil
  end
  return filter.CONTINUE
end

core.register_filter("mirror", Filter, function(flt, args)
  flt.address, flt.mirrors = args[1], {}
  for i = 2, #args, 3 do
    flt.mirrors[#flt.mirrors + 1] = {name = args[i], part = tonumber(args[i + 1]), total = tonumber(args[i + 2])}
  end
  return flt
end)
)lua";

constexpr size_t kMostHeld = 8 * kLongestMirroredBody;  // a thread
constexpr int kMostUnderWay = 64;                       // a thread and mirror

std::string replaced(std::string text, std::string_view mark, std::string_view with) {
  for (size_t at = text.find(mark); at != std::string::npos; at = text.find(mark, at + with.size())) {
    text.replace(at, mark.size(), with);
  }
  return text;
}

std::string_view suffixOf(Protocol protocol) {
  switch (protocol) {
    case Protocol::kHttp2:
      return ":h2";
    case Protocol::kHttps:
      return ":https";
    case Protocol::kHttps2:
      return ":https2";
    case Protocol::kHttp:
    case Protocol::kTcp:
      break;
  }
  return "";
}

}  // namespace

std::string mirrorScript() {
  std::string text = replaced(kScript, "@LONGEST@", std::to_string(kLongestMirroredBody));
  text = replaced(std::move(text), "@HELD@", std::to_string(kMostHeld));
  text = replaced(std::move(text), "@UNDERWAY@", std::to_string(kMostUnderWay));
  return replaced(std::move(text), "@HEADER@", kHeader);
}

void renderMirrorGlobal(const Settings& settings, ConfigText& text) {
  text.line("  lua-load-per-thread {}/{}", settings.directory, kMirrorScriptFile);
}

std::string mirrorSectionName(const Mirror& mirror) {
  const ServicePort& to = mirror.target;
  return fmt::format("mirror:{}:{}:{}{}", to.nameSpace, to.service, to.port, suffixOf(mirror.protocol));
}

void renderMirrorFilter(const Backend& backend, const Settings& settings, ConfigText& text) {
  std::string words;
  for (const Mirror& each : backend.mirrors) {
    words += fmt::format(" {} {} {}", word(mirrorSectionName(each)), each.part, each.total);
  }
  text.line("  filter lua.mirror {}{}", socketOf(settings), words);
}

void renderMirrorFrontend(const Settings& settings, ConfigText& text) {
  text.line("frontend mirrors");
  text.line("  bind {}", socketOf(settings));
  text.line("  no log");
  text.line("  http-request set-var(txn.to) req.hdr({})", kHeader);
  text.line("  http-request del-header {}", kHeader);
  text.line("  http-request set-var(txn.host) req.hdr(host),host_only,lower");
  text.line("  use_backend %[var(txn.to)]");
}

// What it answers is of no interest, and not read.
void renderMirrorBackend(const Section& section, ConfigText& text) {
  text.about(section.origin);
  text.line("backend {}", section.name);
  text.line("  balance roundrobin");
  text.line("  retries 0");
  text.line("  timeout server 10s");
  text.line("  http-response return status 204");
}

}  // namespace wherry::ingress
