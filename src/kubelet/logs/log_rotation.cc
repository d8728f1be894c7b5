#include "kubelet/logs/log_rotation.h"

#include <algorithm>
#include <map>
#include <optional>
#include <thread>

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/guarded.h"
#include "base/log.h"
#include "kubelet/logs/log_files.h"

namespace wherry::kubelet {
namespace {

using std::chrono::milliseconds;
using Time = std::chrono::steady_clock::time_point;

const base::Log kLog("logs");
constexpr milliseconds kShortest{100};
constexpr milliseconds kLongest{1000};

struct Watched {
  std::string control;
  int watch = -1;                // inotify's; -1 while the log is being written
  std::optional<Time> lookAt;    // then
  std::optional<Time> lookedAt;  // for the speed
  int64_t size = 0;              // when looked at last
};

std::optional<int64_t> sizeOf(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return std::nullopt;
  return status.st_size;
}

// conmon(8): "2 0 0" on its fifo makes it open its log anew. False when it is there no more.
bool tellConmon(const std::string& control) {
  base::Fd fifo(::open(control.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC));
  constexpr std::string_view kReopen = "2 0 0\n";
  return fifo && ::write(fifo.get(), kReopen.data(), kReopen.size()) == static_cast<ssize_t>(kReopen.size());
}

}  // namespace

milliseconds nextLook(int64_t size, int64_t bytesPerSecond, int64_t maxSize) {
  if (bytesPerSecond <= 0) return kLongest;
  int64_t room = std::max<int64_t>(2 * maxSize - size, 0);
  return std::clamp(milliseconds(room * 1000 / bytesPerSecond), kShortest, kLongest);
}

struct LogRotation::State {
  using Logs = std::map<std::string, Watched>;

  LogLimits limits;
  const base::Clock& clock;
  base::Fd inotify{::inotify_init1(IN_CLOEXEC | IN_NONBLOCK)};
  base::Fd wake{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  base::Guarded<Logs> logs;
  std::jthread thread;

  State(LogLimits given, const base::Clock& theClock) : limits(given), clock(theClock) {
    if (!inotify || !wake) base::throwErrno("inotify");
  }

  void ring() const {
    uint64_t one = 1;
    [[maybe_unused]] ssize_t written = ::write(wake.get(), &one, sizeof one);
  }

  void rotate(const std::string& log, const Watched& watched) const {
    removeOldLogs(log, limits.maxFiles - 2);  // first: there are never more than that
    std::string aside = rotatedLogName(log, clock.now());
    if (::rename(log.c_str(), aside.c_str()) != 0) return;
    // It may have just ended, and so has its log.
    if (!tellConmon(watched.control)) ::rename(aside.c_str(), log.c_str());
  }

  // One shot: the first write after it wakes us, and the log is being written from then on.
  void arm(const std::string& log, Watched& watched) const {
    watched.watch = ::inotify_add_watch(inotify.get(), log.c_str(), IN_MODIFY | IN_ONESHOT);
    watched.lookAt.reset();
    watched.lookedAt.reset();
    bool missed = watched.watch < 0 || sizeOf(log) != watched.size;
    if (missed) watched.lookAt = std::chrono::steady_clock::now() + kShortest;
  }

  void look(const std::string& log, Watched& watched, Time now) const {
    auto size = sizeOf(log).value_or(0);  // between our rename and conmon's new file there is none
    if (size >= limits.maxSize) {
      rotate(log, watched);
      watched.size = 0;
      watched.lookedAt = now;
      watched.lookAt = now + kShortest;
      return;
    }
    if (size == watched.size && watched.lookedAt) return arm(log, watched);
    int64_t speed = 0;
    if (watched.lookedAt && now > *watched.lookedAt) {
      auto elapsed = std::chrono::duration_cast<milliseconds>(now - *watched.lookedAt).count();
      speed = std::max<int64_t>(size - watched.size, 0) * 1000 / std::max<int64_t>(elapsed, 1);
    }
    watched.lookAt = now + (watched.lookedAt ? nextLook(size, speed, limits.maxSize) : kShortest);
    watched.lookedAt = now;
    watched.size = size;
  }

  void readEvents(Logs& all) const {
    alignas(inotify_event) char buffer[16384];
    for (ssize_t count; (count = ::read(inotify.get(), buffer, sizeof buffer)) > 0;) {
      for (ssize_t at = 0; at < count;) {
        inotify_event event;
        std::copy_n(buffer + at, sizeof event, reinterpret_cast<char*>(&event));
        at += static_cast<ssize_t>(sizeof event + event.len);
        if ((event.mask & IN_MODIFY) == 0) continue;
        for (auto& [log, watched] : all) {
          if (watched.watch != event.wd) continue;
          watched.watch = -1;
          watched.lookAt = std::chrono::steady_clock::now();
        }
      }
    }
  }

  // Looks at what is due; how long until the next.
  int lookAround(Logs& all) const {
    readEvents(all);
    Time now = std::chrono::steady_clock::now();
    std::optional<Time> next;
    for (auto& [log, watched] : all) {
      if (watched.lookAt && *watched.lookAt <= now) look(log, watched, now);
      if (watched.lookAt && (!next || *watched.lookAt < *next)) next = watched.lookAt;
    }
    if (!next) return -1;
    auto left = std::chrono::ceil<milliseconds>(*next - now).count();
    return static_cast<int>(std::max<int64_t>(left, 1));
  }

  void work(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      int timeout = logs.with([this](Logs& all) { return lookAround(all); });
      pollfd entries[] = {{inotify.get(), POLLIN, 0}, {wake.get(), POLLIN, 0}};
      ::poll(entries, 2, timeout);
      uint64_t count = 0;
      [[maybe_unused]] ssize_t got = ::read(wake.get(), &count, sizeof count);
    }
  }
};

LogRotation::LogRotation(LogLimits limits, const base::Clock& clock) : state_(std::make_unique<State>(limits, clock)) {
  state_->thread = std::jthread([state = state_.get()](const std::stop_token& stop) { state->work(stop); });
}

LogRotation::~LogRotation() {
  state_->thread.request_stop();
  state_->ring();
  state_->thread.join();
}

void LogRotation::watch(const std::string& log, const std::string& control) {
  state_->logs.with([&](State::Logs& all) {
    auto [entry, added] = all.try_emplace(log);
    if (!added) return;
    entry->second.control = control;
    entry->second.lookAt = std::chrono::steady_clock::now();
  });
  state_->ring();
}

void LogRotation::forget(const std::string& log) {
  state_->logs.with([&](State::Logs& all) {
    auto entry = all.find(log);
    if (entry == all.end()) return;
    if (entry->second.watch >= 0) ::inotify_rm_watch(state_->inotify.get(), entry->second.watch);
    all.erase(entry);
  });
}

}  // namespace wherry::kubelet
