#include "kubelet/logs/log_line.h"

#include <algorithm>

#include "base/strings.h"
#include "meta/status.h"
#include "meta/time.h"

namespace wherry::kubelet {
namespace {

// conmon writes UTC as an offset; clients expect Kubernetes' own form.
void appendUtcTime(std::string_view time, std::string& out) {
  constexpr std::string_view kOffset = "+00:00";
  bool utc = time.ends_with(kOffset);
  out += utc ? time.substr(0, time.size() - kOffset.size()) : time;
  out += utc ? "Z " : " ";
}

// Whether the log line that ends at `end` is the last part of what the container wrote as one.
bool endsLine(std::string_view text, size_t end) {
  size_t before = end == 0 ? std::string_view::npos : text.rfind('\n', end - 1);
  size_t start = before == std::string_view::npos ? 0 : before + 1;
  auto line = parseLogLine(text.substr(start, end - start));
  return !line || !line->partial;
}

// Nothing was logged before 1970, and the clock can't count back as far as a client can.
base::WallTime timeBefore(base::WallTime now, int64_t seconds) {
  int64_t sinceEpoch = std::chrono::floor<std::chrono::seconds>(now).time_since_epoch().count();
  return now - std::chrono::seconds(std::clamp<int64_t>(seconds, 0, sinceEpoch));
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
  if (options.sinceSeconds) since_ = timeBefore(now, *options.sinceSeconds);
  if (!options.sinceTime.empty()) {
    since_ = meta::parseTime(options.sinceTime);
    if (!since_) throw meta::badRequest("invalid sinceTime: " + options.sinceTime);
  }
  if (options.limitBytes) limit_ = static_cast<uint64_t>(std::max<int64_t>(*options.limitBytes, 0));
}

void LogFilter::apply(std::string_view line, std::string& out) {
  auto parsed = parseLogLine(line);
  if (!parsed) return;
  if (since_) {
    auto time = meta::parseTime(parsed->time);
    if (time && *time < *since_) return;
  }
  size_t before = out.size();
  if (timestamps_ && !inLine_) appendUtcTime(parsed->time, out);
  out += parsed->text;
  if (!parsed->partial) out += '\n';
  inLine_ = parsed->partial;
  if (limit_) {
    out.resize(before + std::min<uint64_t>(out.size() - before, *limit_));
    *limit_ -= out.size() - before;
  }
}

size_t tailOffset(std::string_view text, int64_t lines) {
  if (lines <= 0) return text.size();
  // The end of the last line begins no other.
  size_t at = text.ends_with('\n') ? text.size() - 1 : text.size();
  while (at > 0) {
    size_t end = text.rfind('\n', at - 1);
    if (end == std::string_view::npos) return 0;
    if (endsLine(text, end) && --lines == 0) return end + 1;
    at = end;
  }
  return 0;
}

int64_t countLines(std::string_view text) {
  int64_t lines = 0;
  for (size_t end = text.find('\n'); end != std::string_view::npos; end = text.find('\n', end + 1)) {
    if (endsLine(text, end)) ++lines;
  }
  return lines;
}

}  // namespace wherry::kubelet
