// Keys that are due at dates of the wall clock, one thread for all: it sleeps until the earliest, and hears when
// somebody sets the clock (at boot, by hand, by NTP in one step). For time-outs a Workqueue's own deadlines do.
// Safe from any thread.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <thread>
#include <utility>

#include "base/clock.h"
#include "base/guarded.h"
#include "base/wall_alarm.h"

namespace wherry::controllers {

class WallDeadlines {
 public:
  // `due` is called on the thread of this object, once for a deadline; it enqueues.
  explicit WallDeadlines(std::function<void(const std::string& key)> due);
  ~WallDeadlines();  // stops and joins

  void set(const std::string& key, base::WallTime at);  // replaces the key's former one
  void forget(const std::string& key);

 private:
  struct Dates {
    std::map<std::string, base::WallTime> ofKey;
    std::set<std::pair<base::WallTime, std::string>> byTime;
    void erase(const std::string& key);
  };
  base::WallTime earliest() const;
  void tellDue(base::WallTime now);
  void work(std::stop_token stop);

  std::function<void(const std::string&)> due_;
  base::WallAlarm alarm_;
  base::Guarded<Dates> dates_;
  std::jthread thread_;  // last: it uses all others
};

}  // namespace wherry::controllers
