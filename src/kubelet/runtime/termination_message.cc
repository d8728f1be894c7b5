#include "kubelet/runtime/termination_message.h"

#include <algorithm>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/strings.h"

namespace wherry::kubelet {
namespace {

constexpr size_t kMaxMessage = 4096;
constexpr size_t kMaxFromLog = 2048;
constexpr size_t kMaxLines = 80;
constexpr size_t kLogTail = 64 << 10;  // bytes of the log that are looked at

}  // namespace

std::string readTerminationMessage(const std::string& file) {
  base::Fd fd(::open(file.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!fd) return {};
  std::string text(kMaxMessage, '\0');
  ssize_t count = ::read(fd.get(), text.data(), text.size());
  text.resize(count > 0 ? static_cast<size_t>(count) : 0);
  return text;
}

std::string messageFromLog(std::string_view log) {
  auto lines = base::split(log, '\n');
  std::string out;
  size_t first = lines.size() > kMaxLines + 1 ? lines.size() - kMaxLines - 1 : 0;
  for (size_t i = first; i < lines.size(); ++i) {
    auto fields = base::split(lines[i], ' ');
    if (fields.size() < 4) continue;
    size_t header = fields[0].size() + fields[1].size() + fields[2].size() + 3;  // time, stream, tag
    out += std::string(lines[i].substr(header)) + "\n";
  }
  return out.size() > kMaxFromLog ? out.substr(out.size() - kMaxFromLog) : out;
}

std::string messageFromLogFile(const std::string& file) {
  base::Fd fd(::open(file.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd) return {};
  off_t size = ::lseek(fd.get(), 0, SEEK_END);
  off_t start = std::max<off_t>(0, size - static_cast<off_t>(kLogTail));
  std::string tail(static_cast<size_t>(size - start), '\0');
  ssize_t count = ::pread(fd.get(), tail.data(), tail.size(), start);
  tail.resize(count > 0 ? static_cast<size_t>(count) : 0);
  return messageFromLog(start > 0 ? tail.substr(std::min(tail.find('\n'), tail.size() - 1) + 1) : tail);
}

}  // namespace wherry::kubelet
