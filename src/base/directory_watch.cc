#include "base/directory_watch.h"

#include <cerrno>
#include <filesystem>
#include <system_error>

#include <poll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/log.h"

namespace wherry::base {

namespace {

// Not what is being written: the close that follows tells of it.
constexpr uint32_t kChanges = IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO;
constexpr uint32_t kLost = IN_DELETE_SELF | IN_MOVE_SELF;

const Log& watchLog() {
  static const Log log("files");
  return log;
}

}  // namespace

DirectoryWatch::DirectoryWatch(std::string directory, std::function<void()> onChange)
    : directory_(std::move(directory)),
      onChange_(std::move(onChange)),
      inotify_(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK)) {
  if (!inotify_) throwErrno("inotify_init1");
  attach();
  thread_ = std::jthread([this] { follow(); });
}

DirectoryWatch::~DirectoryWatch() { stop_.write.reset(); }

void DirectoryWatch::attach() {
  makeDirectories(directory_);
  watch_ = ::inotify_add_watch(inotify_.get(), directory_.c_str(), kChanges | kLost | IN_ONLYDIR);
  if (watch_ < 0) throwErrno("watch " + directory_);
}

void DirectoryWatch::follow() {
  try {
    do {
      onChange_();
    } while (waitForChange());
  } catch (const std::system_error& error) {
    watchLog().error("{} is not followed any more: {}", directory_, error.what());
  }
}

// False when it is to stop.
bool DirectoryWatch::waitForChange() {
  pollfd entries[] = {{inotify_.get(), POLLIN, 0}, {stop_.read.get(), POLLIN, 0}};
  while (::poll(entries, 2, -1) < 0) {
    if (errno != EINTR) throwErrno("poll");
  }
  if (entries[1].revents != 0) return false;
  bool lost = false;
  alignas(inotify_event) char buffer[8192];
  for (ssize_t count; (count = ::read(inotify_.get(), buffer, sizeof buffer)) > 0;) {
    for (char* at = buffer; at < buffer + count;) {
      const auto* event = reinterpret_cast<inotify_event*>(at);
      lost = lost || (event->wd == watch_ && (event->mask & kLost) != 0);
      at += sizeof(inotify_event) + event->len;
    }
  }
  if (lost) {
    ::inotify_rm_watch(inotify_.get(), watch_);  // of one that was moved away
    attach();
  }
  return true;
}

std::map<std::string, std::string> readDirectoryFiles(
    const std::string& directory, size_t maxBytes,
    const std::function<void(const std::string& path, const std::string& why)>& onError) {
  std::map<std::string, std::string> files;
  if (!std::filesystem::exists(directory)) return files;
  std::error_code none;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    const std::string path = entry.path().string();
    if (entry.path().filename().string().starts_with('.') || !entry.is_regular_file(none)) continue;
    try {
      const auto size = std::filesystem::file_size(entry.path());
      if (size > maxBytes) {
        onError(path, "is larger than " + std::to_string(maxBytes) + " bytes");
      } else {
        files.emplace(path, readFile(path));
      }
    } catch (const std::system_error& error) {
      onError(path, error.what());
    }
  }
  return files;
}

}  // namespace wherry::base
