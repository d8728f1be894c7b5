// AccessLog: the lines that HAProxy writes about requests, into a file that is turned over at ten mebibytes; four older
// ones stay beside it (".1" is the youngest). HAProxy writes into a pipe: while nobody reads it, after the end of this
// process, it drops them.
#pragma once

#include <cstdint>
#include <string>
#include <thread>

#include "base/fd.h"

namespace wherry::ingress {

class AccessLog {
 public:
  static constexpr uint64_t kLargest = 10 << 20;
  static constexpr int kOlder = 4;

  // The directory is made where it is missing. Throws std::system_error.
  explicit AccessLog(std::string path, uint64_t largest = kLargest);
  ~AccessLog();
  AccessLog(const AccessLog&) = delete;
  AccessLog& operator=(const AccessLog&) = delete;

  int writeEnd() const { return pipe_.write.get(); }

 private:
  void run();
  void write(std::string_view lines);
  void turnOver();

  const std::string path_;
  const uint64_t largest_;
  base::Pipe pipe_ = base::makePipe();
  base::Pipe stop_ = base::makePipe();
  // Of the thread.
  base::Fd file_;
  uint64_t size_ = 0;
  std::jthread thread_;
};

}  // namespace wherry::ingress
