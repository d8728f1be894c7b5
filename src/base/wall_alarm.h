// WallAlarm: waits for a time of the wall clock, and hears when somebody sets that clock (at boot, by hand, by NTP in
// one step). Made for deadlines that are dates, such as the end of a certificate; time-outs use the monotonic clock.
// wait() from one thread, wake() from any.
#pragma once

#include "base/clock.h"
#include "base/fd.h"

namespace wherry::base {

class WallAlarm {
 public:
  // Throws std::system_error.
  WallAlarm();

  enum class Woken { kDue, kClockSet, kWoken };
  Woken wait(WallTime until);
  // Ends this wait() or the next one.
  void wake();

 private:
  Fd timer_;
  Pipe wake_;
};

}  // namespace wherry::base
