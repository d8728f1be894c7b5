#include "kubelet/logs/log_chain.h"

#include <algorithm>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kubelet/logs/log_files.h"
#include "kubelet/logs/log_line.h"

namespace wherry::kubelet {
namespace {

constexpr size_t kBlock = 64 << 10;
// A rotation while we look at the directory takes a name away under our hands; one is rare and two in a row are rarer.
constexpr int kTries = 5;

struct stat statusOf(int fd) {
  struct stat status {};
  ::fstat(fd, &status);
  return status;
}

}  // namespace

LogChain::LogChain(std::string log) : log_(std::move(log)) { openNewer(); }

void LogChain::openNewer() {
  std::deque<File> found;
  for (int i = 0; i < kTries; ++i) {
    found.clear();
    auto paths = listLogFiles(log_);
    for (const std::string& path : paths) {
      File file{base::Fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC))};
      if (!file.fd) continue;
      file.inode = statusOf(file.fd.get()).st_ino;
      bool twice = !found.empty() && found.back().inode == file.inode;
      if (!twice) found.push_back(std::move(file));
    }
    if (found.size() == paths.size()) break;
  }
  if (!files_.empty()) {
    auto known = std::find_if(found.begin(), found.end(), [&](auto& f) { return f.inode == files_.back().inode; });
    // One that was deleted meanwhile is older than all that are left.
    if (known != found.end()) found.erase(found.begin(), known + 1);
  }
  for (File& file : found) files_.push_back(std::move(file));
}

bool LogChain::rotated() const {
  struct stat status {};
  return ::stat(log_.c_str(), &status) == 0 && (files_.empty() || status.st_ino != files_.back().inode);
}

void LogChain::skipBefore(base::WallTime time) {
  auto seconds = std::chrono::system_clock::to_time_t(std::chrono::floor<std::chrono::seconds>(time));
  while (files_.size() > 1 && statusOf(files_.front().fd.get()).st_mtime < seconds) files_.pop_front();
}

void LogChain::seekToTail(int64_t lines) {
  // From the newest file back, block by block, until there are enough.
  for (size_t i = files_.size(); i-- > 0;) {
    File& file = files_[i];
    off_t start = statusOf(file.fd.get()).st_size;
    std::string tail;
    while (start > 0 && tailOffset(tail, lines) == 0) {
      off_t from = std::max<off_t>(0, start - static_cast<off_t>(kBlock));
      std::string block(static_cast<size_t>(start - from), '\0');
      if (::pread(file.fd.get(), block.data(), block.size(), from) != static_cast<ssize_t>(block.size())) break;
      tail.insert(0, block);
      start = from;
    }
    size_t offset = tailOffset(tail, lines);
    file.offset = start + static_cast<off_t>(offset);
    lines -= countLines(std::string_view(tail).substr(offset));
    if (lines > 0) continue;
    files_.erase(files_.begin(), files_.begin() + static_cast<std::ptrdiff_t>(i));
    return;
  }
}

size_t LogChain::read(char* buffer, size_t limit) {
  for (;;) {
    if (files_.empty()) openNewer();
    if (files_.empty()) return 0;
    File& file = files_.front();
    // Asked before reading: once another file has the name, conmon has finished with this one.
    bool newer = files_.size() > 1 || rotated();
    ssize_t count = ::pread(file.fd.get(), buffer, limit, file.offset);
    if (count > 0) {
      file.offset += count;
      return static_cast<size_t>(count);
    }
    if (!newer) return 0;
    if (files_.size() == 1) openNewer();
    if (files_.size() == 1) return 0;  // it is just being made
    files_.pop_front();
  }
}

}  // namespace wherry::kubelet
