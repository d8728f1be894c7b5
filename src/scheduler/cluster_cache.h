// ClusterCache: the nodes with the pods on them, as the informers tell and as the scheduler itself has decided: a pod
// that is being bound counts from that moment, so that two pods never get the same room. Not thread-safe; no clock.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "meta/gvk.h"
#include "scheduler/snapshot.h"

namespace wherry::scheduler {

class ClusterCache {
 public:
  void putNode(core_v1::Node node);
  void removeNode(std::string_view name);

  // A pod that has a node and has not ended. What was assumed of it is forgotten.
  void putPod(core_v1::Pod pod);
  // Counts the pod on the node before the API says so.
  void assume(const PodInfo& pod, std::string_view node);
  // True when it had counted.
  bool removePod(const meta::ObjectKey& key);

  bool hasPod(const meta::ObjectKey& key) const { return pods_.contains(key); }

  const Nodes& nodes() const { return nodes_; }

 private:
  struct Placed {
    PodInfo info;
    std::string node;
  };
  void place(const meta::ObjectKey& key, PodInfo info, std::string_view node);

  Nodes nodes_;
  std::map<meta::ObjectKey, Placed> pods_;
};

// Whether a change of a node can make room for a pod that it was refused to.
bool mayAdmitMore(const core_v1::Node& before, const core_v1::Node& after);

}  // namespace wherry::scheduler
