// libFuzzer: a request's line and what its client wants to read. The input is path, query and Accept, each on a line.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "apiserver/media_type.h"
#include "apiserver/request_info.h"
#include "base/strings.h"

namespace apiserver = wherry::apiserver;

namespace {

void readRequest(std::string_view method, std::string_view path, std::string_view query) {
  auto info = apiserver::RequestInfo::parse(method, path, query);
  if (!info) return;
  if (info->path.empty() || info->path.front() != '/') std::abort();
  if (info->isResource && (info->version.empty() || info->resource.empty())) std::abort();
  bool one = info->verb == apiserver::Verb::kGet || info->verb == apiserver::Verb::kDelete;
  if (info->isResource && info->name.empty() && one) std::abort();  // of a collection it is list, or all of them
  if (info->query.parameters().size() > query.size()) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  auto lines = wherry::base::split(text, '\n');
  lines.resize(3);
  for (std::string_view method : {"GET", "POST", "DELETE"}) readRequest(method, lines[0], lines[1]);
  auto ranges = apiserver::parseAccept(lines[2]);
  if (ranges.size() > lines[2].size() + 1) std::abort();
  if (auto chosen = apiserver::negotiate(lines[2]); chosen && chosen->contentType().empty()) std::abort();
  (void)apiserver::bodyFormat(lines[2]);
  return 0;
}
