#include "kubelet/runtime/exit_watcher.h"

#include <filesystem>
#include <utility>

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

namespace wherry::kubelet {

ExitWatcher::ExitWatcher(const std::string& directory, std::function<void(const std::string&)> onFile)
    : directory_(directory),
      onFile_(std::move(onFile)),
      inotify_(::inotify_init1(IN_CLOEXEC)),
      wake_(::eventfd(0, EFD_CLOEXEC)) {
  if (!inotify_ || !wake_) base::throwErrno("inotify_init1");
  if (::inotify_add_watch(inotify_.get(), directory.c_str(), IN_MOVED_TO) < 0) base::throwErrno("watch " + directory);
  thread_ = std::jthread([this](std::stop_token stop) { watch(stop); });
}

ExitWatcher::~ExitWatcher() {
  thread_.request_stop();
  uint64_t one = 1;
  [[maybe_unused]] ssize_t written = ::write(wake_.get(), &one, sizeof one);
}

void ExitWatcher::watch(std::stop_token stop) {
  for (const auto& entry : std::filesystem::directory_iterator(directory_)) onFile_(entry.path().filename().string());
  alignas(inotify_event) char buffer[8192];
  while (!stop.stop_requested()) {
    pollfd entries[] = {{inotify_.get(), POLLIN, 0}, {wake_.get(), POLLIN, 0}};
    if (::poll(entries, 2, -1) < 0 || !(entries[0].revents & POLLIN)) continue;
    ssize_t count = ::read(inotify_.get(), buffer, sizeof buffer);
    for (char* at = buffer; at < buffer + count;) {
      auto* event = reinterpret_cast<inotify_event*>(at);
      if (event->len > 0) onFile_(event->name);
      at += sizeof(inotify_event) + event->len;
    }
  }
}

}  // namespace wherry::kubelet
