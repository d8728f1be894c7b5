#include "net/event_loop.h"

#include <cerrno>

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

namespace wherry::net {
namespace {

constexpr int kEventsPerTurn = 256;

}  // namespace

EventLoop::EventLoop()
    : epoll_(::epoll_create1(EPOLL_CLOEXEC)),
      wakeUp_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      now_(base::Clock::system().monotonicNow()),
      readBuffer_(kBufferSize),
      gatherBuffer_(kBufferSize) {
  if (!epoll_) base::throwErrno("epoll_create1");
  if (!wakeUp_) base::throwErrno("eventfd");
  add(wakeUp_.get(), EPOLLIN, nullptr);
}

void EventLoop::run() {
  thread_ = std::this_thread::get_id();
  while (!stopped_) turn();
  while (dropAll()) continue;
}

bool EventLoop::dropAll() {
  // What tasks and sources hold must go while the loop still stands: they may call back into it, and leave more there.
  auto tasks = mailbox_.with([](Mailbox& mailbox) { return std::exchange(mailbox.tasks, {}); });
  auto sources = std::exchange(sources_, {});
  auto deferred = std::exchange(deferred_, {});
  auto timers = std::exchange(timers_, {});
  return !tasks.empty() || !sources.empty() || !deferred.empty() || !timers.empty();
}

void EventLoop::stop() {
  mailbox_.with([](Mailbox& mailbox) { mailbox.stopped = true; });
  stopped_ = true;
  wakeUp();
}

bool EventLoop::post(Task task) {
  enum class Posted { kFirst, kMore, kNot };
  Posted posted = mailbox_.with([&](Mailbox& mailbox) {
    if (mailbox.stopped) return Posted::kNot;
    mailbox.tasks.push_back(std::move(task));
    return mailbox.tasks.size() == 1 ? Posted::kFirst : Posted::kMore;
  });
  if (posted == Posted::kFirst) wakeUp();
  return posted != Posted::kNot;
}

void EventLoop::wakeUp() {
  uint64_t one = 1;
  // Fails only when the counter is full, and then the loop is awake already.
  [[maybe_unused]] ssize_t written = ::write(wakeUp_.get(), &one, sizeof one);
}

void EventLoop::add(int fd, uint32_t events, std::shared_ptr<Source> source) {
  epoll_event event{.events = events, .data = {.fd = fd}};
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) base::throwErrno("epoll_ctl");
  if (sources_.size() <= static_cast<size_t>(fd)) sources_.resize(static_cast<size_t>(fd) + 1);
  sources_[static_cast<size_t>(fd)] = std::move(source);
}

void EventLoop::modify(int fd, uint32_t events) {
  epoll_event event{.events = events, .data = {.fd = fd}};
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event) != 0) base::throwErrno("epoll_ctl");
}

void EventLoop::remove(int fd) {
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
  if (static_cast<size_t>(fd) < sources_.size()) sources_[static_cast<size_t>(fd)].reset();
}

EventLoop::TimerId EventLoop::addTimer(base::MonotonicTime when, Task task) {
  TimerId id{when, ++lastTimer_};
  timers_.emplace(id, std::move(task));
  return id;
}

int EventLoop::timeoutMillis() const {
  if (!deferred_.empty()) return 0;
  if (timers_.empty()) return -1;
  auto wait = timers_.begin()->first.first - base::Clock::system().monotonicNow();
  if (wait <= wait.zero()) return 0;
  auto millis = std::chrono::ceil<std::chrono::milliseconds>(wait).count();
  return static_cast<int>(std::min<int64_t>(millis, INT32_MAX));
}

void EventLoop::turn() {
  epoll_event events[kEventsPerTurn];
  int count = ::epoll_wait(epoll_.get(), events, kEventsPerTurn, timeoutMillis());
  if (count < 0 && errno != EINTR) base::throwErrno("epoll_wait");
  now_ = base::Clock::system().monotonicNow();
  for (int i = 0; i < count; ++i) dispatch(events[i].data.fd, events[i].events);
  runTimers();
  runDeferred();
}

void EventLoop::dispatch(int fd, uint32_t events) {
  if (fd == wakeUp_.get()) return runTasks();
  if (static_cast<size_t>(fd) >= sources_.size()) return;
  // A copy: the source may remove itself while it runs.
  auto source = sources_[static_cast<size_t>(fd)];
  if (source) source->onReady(events);
}

void EventLoop::runTasks() {
  uint64_t count;
  [[maybe_unused]] ssize_t got = ::read(wakeUp_.get(), &count, sizeof count);
  auto tasks = mailbox_.with([](Mailbox& mailbox) { return std::exchange(mailbox.tasks, {}); });
  for (Task& task : tasks) task();
}

void EventLoop::runTimers() {
  while (!timers_.empty() && timers_.begin()->first.first <= now_) {
    Task task = std::move(timers_.begin()->second);
    timers_.erase(timers_.begin());
    task();
  }
}

void EventLoop::runDeferred() {
  // Once: what defers itself again has its turn after the descriptors that are ready by then.
  auto deferred = std::exchange(deferred_, {});
  for (auto& source : deferred) source->onReady(0);
}

}  // namespace wherry::net
