#include "kubelet/logs/log_line.h"

#include <algorithm>

#include "base/strings.h"
#include "meta/status.h"
#include "meta/time.h"

namespace wherry::kubelet {
namespace {

// conmon writes UTC as an offset; clients expect Kubernetes' own form.
std::string utcTime(std::string_view time) {
  constexpr std::string_view kOffset = "+00:00";
  if (!time.ends_with(kOffset)) return std::string(time);
  return std::string(time.substr(0, time.size() - kOffset.size())) + "Z";
}

}  // namespace

std::optional<LogLine> parseLogLine(std::string_view line) {
  auto time = base::splitOnce(line, ' ');
  auto stream = time ? base::splitOnce(time->second, ' ') : std::nullopt;
  auto tag = stream ? base::splitOnce(stream->second, ' ') : std::nullopt;
  if (!tag || (stream->first != "stdout" && stream->first != "stderr")) return std::nullopt;
  return LogLine{time->first, stream->first, tag->first == "P", tag->second};
}

LogFilter::LogFilter(const client::LogOptions& options, base::WallTime now) : timestamps_(options.timestamps) {
  if (options.sinceSeconds) since_ = now - std::chrono::seconds(*options.sinceSeconds);
  if (!options.sinceTime.empty()) {
    since_ = meta::parseTime(options.sinceTime);
    if (!since_) throw meta::badRequest("invalid sinceTime: " + options.sinceTime);
  }
  if (options.limitBytes) limit_ = static_cast<uint64_t>(std::max<int64_t>(*options.limitBytes, 0));
}

std::string LogFilter::apply(std::string_view line) {
  auto parsed = parseLogLine(line);
  if (!parsed) return {};
  if (since_) {
    auto time = meta::parseTime(parsed->time);
    if (time && *time < *since_) return {};
  }
  std::string out;
  if (timestamps_ && !inLine_) out = utcTime(parsed->time) + " ";
  out += parsed->text;
  if (!parsed->partial) out += '\n';
  inLine_ = parsed->partial;
  if (limit_) {
    out.resize(std::min<uint64_t>(out.size(), *limit_));
    *limit_ -= out.size();
  }
  return out;
}

size_t tailOffset(std::string_view text, int64_t lines) {
  if (lines <= 0) return text.size();
  size_t at = text.size();
  if (at > 0 && text[at - 1] == '\n') --at;  // the end of the last line begins no other
  for (; at > 0; --at) {
    if (text[at - 1] == '\n' && --lines == 0) return at;
  }
  return 0;
}

}  // namespace wherry::kubelet
