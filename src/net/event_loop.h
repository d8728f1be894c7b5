// One thread that waits for many descriptors, deadlines and tasks (epoll).
//
// The thread that calls run() is the loop's. post(), stop() and inLoop() may be called from any thread, all else on the
// loop's thread only. With nothing to do it sleeps without a time-out: no tick, no poll.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/fd.h"
#include "base/guarded.h"

namespace wherry::net {

class EventLoop {
 public:
  // Whoever owns a descriptor. The loop keeps it alive while it is added.
  class Source {
   public:
    virtual ~Source() = default;
    // `events`: EPOLLIN, EPOLLOUT, EPOLLRDHUP, EPOLLHUP, EPOLLERR; 0 after defer(). Level-triggered; may be spurious.
    virtual void onReady(uint32_t events) = 0;
  };
  using Task = std::function<void()>;
  using TimerId = std::pair<base::MonotonicTime, uint64_t>;

  EventLoop();  // throws std::system_error

  void run();
  // run() returns soon; what was posted and not yet run is dropped.
  void stop();
  // False, and the task dropped, once stop() was called.
  bool post(Task task);
  bool inLoop() const { return thread_.load(std::memory_order_relaxed) == std::this_thread::get_id(); }

  void add(int fd, uint32_t events, std::shared_ptr<Source> source);
  void modify(int fd, uint32_t events);
  void remove(int fd);
  // onReady(0) before the loop sleeps again.
  void defer(std::shared_ptr<Source> source) { deferred_.push_back(std::move(source)); }

  TimerId addTimer(base::MonotonicTime when, Task task);
  void cancelTimer(const TimerId& id) { timers_.erase(id); }
  // The time at which this turn of the loop began.
  base::MonotonicTime now() const { return now_; }

  // Buffers that all sources of the loop share, so that an idle connection holds none: one to read into, one to gather
  // small pieces in before they are written.
  static constexpr size_t kBufferSize = 16 << 10;
  char* readBuffer() { return readBuffer_.data(); }
  char* gatherBuffer() { return gatherBuffer_.data(); }

 private:
  struct Mailbox {
    std::vector<Task> tasks;
    bool stopped = false;
  };

  int timeoutMillis() const;
  void turn();
  bool dropAll();  // whether there was anything
  void dispatch(int fd, uint32_t events);
  void runTasks();
  void runTimers();
  void runDeferred();
  void wakeUp();

  base::Fd epoll_;
  base::Fd wakeUp_;
  std::atomic<std::thread::id> thread_;
  std::atomic<bool> stopped_{false};
  base::Guarded<Mailbox> mailbox_;
  std::vector<std::shared_ptr<Source>> sources_;  // by descriptor
  std::vector<std::shared_ptr<Source>> deferred_;
  std::map<TimerId, Task> timers_;
  uint64_t lastTimer_ = 0;
  base::MonotonicTime now_;
  std::vector<char> readBuffer_;
  std::vector<char> gatherBuffer_;
};

}  // namespace wherry::net
