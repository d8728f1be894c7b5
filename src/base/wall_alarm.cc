#include "base/wall_alarm.h"

#include <cerrno>

#include <poll.h>
#include <sys/timerfd.h>
#include <unistd.h>

namespace wherry::base {

WallAlarm::WallAlarm() : timer_(::timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC)), wake_(makePipe()) {
  if (!timer_) throwErrno("timerfd_create");
}

WallAlarm::Woken WallAlarm::wait(WallTime until) {
  auto nanos = std::chrono::duration_cast<std::chrono::nanoseconds>(until.time_since_epoch()).count();
  constexpr int64_t kSecond = 1'000'000'000;
  itimerspec when{};
  when.it_value.tv_sec = nanos / kSecond;
  when.it_value.tv_nsec = nanos % kSecond;
  if (nanos <= 0) when.it_value = {0, 1};  // zero would disarm it
  if (::timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &when, nullptr) != 0 &&
      errno != ECANCELED) {
    throwErrno("timerfd_settime");
  }
  pollfd fds[] = {{timer_.get(), POLLIN, 0}, {wake_.read.get(), POLLIN, 0}};
  while (::poll(fds, 2, -1) < 0) {
    if (errno != EINTR) throwErrno("poll");
  }
  if (fds[1].revents != 0) {
    char bytes[64];
    [[maybe_unused]] ssize_t read = ::read(wake_.read.get(), bytes, sizeof bytes);
    return Woken::kWoken;
  }
  uint64_t count = 0;
  bool expired = ::read(timer_.get(), &count, sizeof count) > 0;
  return expired ? Woken::kDue : Woken::kClockSet;  // timerfd_create(2): ECANCELED when the clock was set
}

void WallAlarm::wake() { writeAll(wake_.write.get(), "w", "wake"); }

}  // namespace wherry::base
