// Lines of container logs in CRI format: "2026-11-23T08:26:51.234704761+00:00 stdout F text". Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "client/node_connection.h"

namespace wherry::kubelet {

struct LogLine {
  std::string_view time;    // RFC 3339
  std::string_view stream;  // "stdout" or "stderr"
  bool partial = false;     // the next line goes on with it
  std::string_view text;    // without the line's end
};

// `line` without its newline; nothing when it isn't one.
std::optional<LogLine> parseLogLine(std::string_view line);

// Turns log lines into what a client asked to see: since a time, with or without times, so many bytes at most.
class LogFilter {
 public:
  // `now` is what sinceSeconds counts from. Throws StatusError BadRequest for a sinceTime that is none.
  LogFilter(const client::LogOptions& options, base::WallTime now);

  // Appends what the client gets of this line, if anything.
  void apply(std::string_view line, std::string& out);
  const std::optional<base::WallTime>& since() const { return since_; }
  // limitBytes is used up.
  bool full() const { return limit_ && *limit_ == 0; }

 private:
  bool timestamps_;
  std::optional<base::WallTime> since_;
  std::optional<uint64_t> limit_;
  bool inLine_ = false;  // the last line was partial
};

// The last `lines` lines of `text` begin at this offset of it; `text` may be the end of something longer, then 0 can
// also mean that it holds too few. Parts of a line are one line.
size_t tailOffset(std::string_view text, int64_t lines);
// How many lines end in `text`.
int64_t countLines(std::string_view text);

}  // namespace wherry::kubelet
