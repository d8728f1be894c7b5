// libFuzzer: files of container logs as anything may have left them. The first byte says what a client asks for.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <string>
#include <string_view>

#include "base/strings.h"
#include "kubelet/logs/log_line.h"
#include "meta/time.h"

namespace kubelet = wherry::kubelet;

namespace {

void filterAll(std::string_view text, uint8_t asked) {
  wherry::client::LogOptions options{.timestamps = (asked & 1) != 0};
  if ((asked & 2) != 0) options.sinceTime = "2026-11-23T08:26:51Z";
  if ((asked & 4) != 0) options.limitBytes = asked >> 3;
  if ((asked & 6) == 0) options.sinceSeconds = std::numeric_limits<int64_t>::max() >> (asked >> 3);
  kubelet::LogFilter filter(options, *wherry::meta::parseTime("2026-11-23T09:00:00Z"));
  std::string out;
  for (std::string_view line : wherry::base::split(text, '\n')) filter.apply(line, out);
  if (options.limitBytes && out.size() > static_cast<uint64_t>(*options.limitBytes)) std::abort();
  if (!options.timestamps && out.size() > text.size() + 1) std::abort();
}

void checkTail(std::string_view text, int64_t lines) {
  size_t offset = kubelet::tailOffset(text, lines);
  if (offset > text.size() || (offset > 0 && offset < text.size() && text[offset - 1] != '\n')) std::abort();
  if (kubelet::countLines(text.substr(offset)) > lines) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  filterAll(text, data[0]);
  for (int64_t lines : {0, 1, 2, 10}) checkTail(text, lines);
  return 0;
}
