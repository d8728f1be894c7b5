// PendingPods: the pods that wait for a node; those to be tried now by priority, then in the order of their arrival,
// and those that no node would take, until something happens that may help. One that was refused lately and often lets
// those go first that were not (back-off), but does not wait while there is nobody else. Not thread-safe; no clock.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <tuple>

#include "meta/gvk.h"
#include "scheduler/plugin.h"
#include "scheduler/snapshot.h"

namespace wherry::scheduler {

class PendingPods {
 public:
  using Time = std::chrono::steady_clock::time_point;

  // Waits to be tried (again); its place in the row stays when it is known already.
  void put(core_v1::Pod pod);
  void remove(const meta::ObjectKey& key);

  // The next one to be tried; nothing when there is none. It stays pending until it is removed.
  std::optional<core_v1::Pod> take(Time now);
  // No node took it: it waits for relief.
  void park(const meta::ObjectKey& key, Relief relief, Time now);
  // Something happened: those that it may help are tried again.
  void retry(Relief occasion, Time now);

  size_t size() const { return pods_.size(); }
  size_t readyCount() const { return ready_.size(); }
  size_t backoffCount() const { return backoff_.size(); }
  size_t parkedCount() const { return parkedCount_; }

 private:
  enum class State { kReady, kBackoff, kTaken, kParked };
  struct Entry {
    core_v1::Pod pod;
    uint64_t arrival = 0;
    State state = State::kReady;
    Relief relief = Relief::kNodeChange;
    unsigned refusals = 0;  // in a row
    Time backoffEnd;
  };
  // Higher priority first, then the earlier arrival.
  using Place = std::tuple<int64_t, uint64_t, meta::ObjectKey>;
  static Place placeOf(const meta::ObjectKey& key, const Entry& entry);
  // Out of whatever it waits in.
  void takeOut(const meta::ObjectKey& key, const Entry& entry);
  void makeReady(const meta::ObjectKey& key, Entry& entry);
  void endBackoffs(Time now);

  std::map<meta::ObjectKey, Entry> pods_;
  std::set<Place> ready_;
  std::set<Place> backoff_;
  std::set<std::pair<Time, meta::ObjectKey>> backoffEnds_;  // the same, by time
  std::map<Relief, std::set<meta::ObjectKey>> parked_;
  size_t parkedCount_ = 0;
  uint64_t arrivals_ = 0;
};

}  // namespace wherry::scheduler
