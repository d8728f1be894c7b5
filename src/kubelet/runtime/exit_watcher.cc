#include "kubelet/runtime/exit_watcher.h"

#include <filesystem>
#include <utility>

#include <sys/epoll.h>
#include <sys/inotify.h>
#include <unistd.h>

namespace wherry::kubelet {

class ExitWatcher::Directory : public net::EventLoop::Source {
 public:
  explicit Directory(ExitWatcher& watcher) : inotify(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK)), watcher_(watcher) {
    if (!inotify) base::throwErrno("inotify_init1");
    const std::string& path = watcher.directory_;
    if (::inotify_add_watch(inotify.get(), path.c_str(), IN_MOVED_TO) < 0) base::throwErrno("watch " + path);
  }

  void onReady(uint32_t) override {
    alignas(inotify_event) char buffer[8192];
    ssize_t count = ::read(inotify.get(), buffer, sizeof buffer);
    for (char* at = buffer; at < buffer + count;) {
      auto* event = reinterpret_cast<inotify_event*>(at);
      if (event->len > 0) watcher_.onEnd_(event->name);
      at += sizeof(inotify_event) + event->len;
    }
  }

  const base::Fd inotify;

 private:
  ExitWatcher& watcher_;
};

class ExitWatcher::Process : public net::EventLoop::Source {
 public:
  Process(ExitWatcher& watcher, std::string name, base::Fd process)
      : pidfd(std::move(process)), watcher_(watcher), name_(std::move(name)) {}

  void onReady(uint32_t) override {
    watcher_.loop_.remove(pidfd.get());
    watcher_.onEnd_(name_);
  }

  const base::Fd pidfd;

 private:
  ExitWatcher& watcher_;
  std::string name_;
};

ExitWatcher::ExitWatcher(const std::string& directory) : directory_(directory) {
  auto source = std::make_shared<Directory>(*this);
  int fd = source->inotify.get();
  loop_.add(fd, EPOLLIN, std::move(source));
}

ExitWatcher::~ExitWatcher() { stop(); }

void ExitWatcher::start(std::function<void(const std::string&)> onEnd) {
  onEnd_ = std::move(onEnd);
  thread_ = std::jthread([this] {
    for (const auto& entry : std::filesystem::directory_iterator(directory_)) onEnd_(entry.path().filename().string());
    loop_.run();
  });
}

void ExitWatcher::stop() {
  loop_.stop();
  thread_ = {};
}

void ExitWatcher::watch(const std::string& name, base::Fd process) {
  auto source = std::make_shared<Process>(*this, name, std::move(process));
  loop_.post([this, source] { loop_.add(source->pidfd.get(), EPOLLIN, source); });
}

}  // namespace wherry::kubelet
