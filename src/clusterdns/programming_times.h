// How long it takes from a change of a pod's readiness to the DNS answers that show it, for the metrics: notes when the
// change was seen, and finds it again when a slice names the pod. A slice that says itself when its cause happened
// (endpoints.kubernetes.io/last-change-trigger-time) is believed. Not thread-safe.
#pragma once

#include <map>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "meta/gvk.h"
#include "meta/object.h"

namespace wherry::clusterdns {

class ProgrammingTimes {
 public:
  void podChanged(const meta::ObjectPtr& before, const meta::ObjectPtr& after, const base::Clock& clock);
  void sliceChanged(const meta::Object& slice, const meta::ObjectKey& service, const base::Clock& clock);

  // The Services of the slices since the last time, and when the change of each began.
  using Begun = std::vector<std::pair<meta::ObjectKey, base::MonotonicTime>>;
  Begun take() { return std::exchange(begun_, {}); }
  void clear() { begun_.clear(); }

 private:
  std::map<meta::ObjectKey, base::MonotonicTime> pods_;  // whose readiness changed, and no slice shows it yet
  Begun begun_;
};

}  // namespace wherry::clusterdns
