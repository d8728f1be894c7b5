// DrainGate: holds back the end of a container until nobody is sent to its pod any more: until the pod's endpoints are
// marked in the EndpointSlices and proxy and DNS have applied that. Safe from any thread.
#pragma once

#include <chrono>
#include <memory>
#include <stop_token>
#include <string_view>
#include <vector>

#include "base/published.h"
#include "client/informer.h"

namespace wherry::kubelet {

using AppliedRevisions = std::vector<const base::Published<int64_t>*>;

class DrainGate {
 public:
  // Before the informer starts.
  DrainGate(client::Informer& endpointSlices, AppliedRevisions applied);
  ~DrainGate();

  // Waits, `atMost` at the longest; not at all for a pod that is in no slice. False when time was up first.
  bool wait(std::string_view podUid, std::chrono::milliseconds atMost, std::stop_token stop) const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

// What the slices of a pod say: whether one still offers it, and the newest revision among them. Pure.
struct SliceView {
  bool listed = false;
  bool offered = false;
  int64_t revision = 0;
};
SliceView viewSlices(const std::vector<meta::ObjectPtr>& slices, std::string_view podUid);

}  // namespace wherry::kubelet
