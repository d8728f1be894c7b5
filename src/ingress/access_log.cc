#include "ingress/access_log.h"

#include <array>
#include <cerrno>
#include <filesystem>

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"

namespace wherry::ingress {
namespace {

namespace fs = std::filesystem;

const base::Log kLog("ingress");

base::Fd openLog(const std::string& path, uint64_t& size) {
  base::Fd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640));
  if (!file) base::throwErrno("open " + path);
  struct stat facts {};
  size = ::fstat(file.get(), &facts) == 0 ? static_cast<uint64_t>(facts.st_size) : 0;
  return file;
}

}  // namespace

AccessLog::AccessLog(std::string path, uint64_t largest) : path_(std::move(path)), largest_(largest) {
  base::makeDirectories(fs::path(path_).parent_path());
  file_ = openLog(path_, size_);
  // HAProxy mustn't wait for us.
  ::fcntl(pipe_.write.get(), F_SETFL, O_NONBLOCK);
  thread_ = std::jthread([this] { run(); });
}

AccessLog::~AccessLog() { stop_.write.reset(); }

void AccessLog::run() {
  std::array<char, 65536> buffer;
  std::array<pollfd, 2> waiting{pollfd{pipe_.read.get(), POLLIN, 0}, pollfd{stop_.read.get(), POLLIN, 0}};
  while (true) {
    if (::poll(waiting.data(), waiting.size(), -1) < 0 && errno != EINTR) return;
    if (waiting[0].revents & POLLIN) {
      ssize_t got = ::read(pipe_.read.get(), buffer.data(), buffer.size());
      if (got > 0) write({buffer.data(), static_cast<size_t>(got)});
    } else if (waiting[1].revents != 0) {
      return;
    }
  }
}

// A disk that is full loses lines, and nothing else.
void AccessLog::write(std::string_view lines) {
  try {
    if (size_ + lines.size() > largest_) turnOver();
    base::writeAll(file_.get(), lines, path_);
    size_ += lines.size();
  } catch (const std::exception& error) {
    kLog.warn("the access log: {}", error.what());
  }
}

void AccessLog::turnOver() {
  std::error_code ignored;
  for (int i = kOlder; i > 1; --i)
    fs::rename(fmt::format("{}.{}", path_, i - 1), fmt::format("{}.{}", path_, i), ignored);
  fs::rename(path_, path_ + ".1", ignored);
  file_ = openLog(path_, size_);
}

}  // namespace wherry::ingress
