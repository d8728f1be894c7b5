#include "base/directory_watch.h"

#include <cerrno>
#include <csignal>
#include <filesystem>
#include <system_error>

#include <fcntl.h>
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

// The kernel grants a lease for reading when nobody has the file open for writing, and holds back who opens it so until
// the lease is given back; file systems without leases are read as they are.
void readInto(DirectoryFiles& files, const std::string& path, size_t maxBytes) {
  const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file) throwErrno("open " + path);
  ::fcntl(file.get(), F_SETSIG, SIGURG);  // what tells of a writer that waits; it ends nothing, unlike the default
  const bool leased = ::fcntl(file.get(), F_SETLEASE, F_RDLCK) == 0;
  if (!leased && errno == EAGAIN) {
    files.beingWritten.insert(path);
  } else if (std::filesystem::file_size(path) > maxBytes) {
    files.unreadable.emplace(path, "is larger than " + std::to_string(maxBytes) + " bytes");
  } else {
    files.texts.emplace(path, readFile(path));
  }
  // A child that is being started has a copy of the descriptor: closing alone would not give the lease back.
  if (leased) ::fcntl(file.get(), F_SETLEASE, F_UNLCK);
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

bool DirectoryFiles::lacks(const std::string& path) const {
  std::error_code none;
  return !texts.contains(path) && !unreadable.contains(path) && !beingWritten.contains(path) &&
         !std::filesystem::exists(path, none);
}

DirectoryFiles readDirectoryFiles(const std::string& directory, size_t maxBytes) {
  DirectoryFiles files;
  if (!std::filesystem::exists(directory)) return files;
  std::error_code none;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    const std::string path = entry.path().string();
    if (entry.path().filename().string().starts_with('.') || !entry.is_regular_file(none)) continue;
    try {
      readInto(files, path, maxBytes);
    } catch (const std::system_error& error) {
      files.unreadable.emplace(path, error.what());
    }
  }
  return files;
}

}  // namespace wherry::base
