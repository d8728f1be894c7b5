#include "clusterdns/file_watch.h"

#include <algorithm>
#include <filesystem>
#include <vector>

#include <sys/epoll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/log.h"

namespace wherry::clusterdns {
namespace {

const base::Log kLog("clusterdns");

// Of a directory: editors and resolvconf replace the file. Of the file itself: it is written in place, or mounted.
constexpr uint32_t kDirectoryEvents = IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE;
constexpr uint32_t kFileEvents = IN_CLOSE_WRITE;

class Watch : public net::EventLoop::Source {
 public:
  Watch(const std::string& path, std::function<void()> onChange)
      : path_(path), onChange_(std::move(onChange)), fd_(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)) {}

  int fd() const { return fd_.get(); }
  // Also where a link leads to. Adding a watch a second time changes nothing.
  bool begin() {
    std::error_code none;
    std::filesystem::path target = std::filesystem::weakly_canonical(path_, none);
    names_ = {path_.filename(), target.filename()};
    ::inotify_add_watch(fd_.get(), path_.c_str(), kFileEvents);
    if (target.parent_path() != path_.parent_path()) {
      ::inotify_add_watch(fd_.get(), target.parent_path().c_str(), kDirectoryEvents);
    }
    return ::inotify_add_watch(fd_.get(), path_.parent_path().c_str(), kDirectoryEvents) >= 0;
  }

  void onReady(uint32_t) override {
    alignas(inotify_event) char buffer[4096];
    bool changed = false;
    for (ssize_t size; (size = ::read(fd_.get(), buffer, sizeof buffer)) > 0;) {
      for (ssize_t at = 0; at < size;) {
        const auto* event = reinterpret_cast<const inotify_event*>(buffer + at);
        changed |= concerns(*event);
        at += static_cast<ssize_t>(sizeof *event + event->len);
      }
    }
    if (!changed) return;
    begin();
    onChange_();
  }

 private:
  bool concerns(const inotify_event& event) const {
    if (event.mask & IN_Q_OVERFLOW) return true;
    if (event.len == 0) return event.mask & kFileEvents;
    return std::find(names_.begin(), names_.end(), event.name) != names_.end();
  }

  const std::filesystem::path path_;
  const std::function<void()> onChange_;
  base::Fd fd_;
  std::vector<std::string> names_;
};

}  // namespace

void watchFile(net::EventLoop& loop, const std::string& path, std::function<void()> onChange) {
  auto watch = std::make_shared<Watch>(path, std::move(onChange));
  if (watch->fd() < 0 || !watch->begin()) {
    kLog.warn("changes of {} will not be seen", path);
    return;
  }
  loop.add(watch->fd(), EPOLLIN, watch);
}

}  // namespace wherry::clusterdns
