// ClusterCache: the nodes with the pods on them, as the informers tell and as the scheduler itself has decided: a pod
// that is being bound counts from that moment, so that two pods never get the same room; a pod that waits for room made
// by preemption counts on the node that was promised to it. Not thread-safe; no clock.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "meta/gvk.h"
#include "scheduler/pod_groups.h"
#include "scheduler/snapshot.h"

namespace wherry::scheduler {

class ClusterCache {
 public:
  void putNode(core_v1::Node node);
  void removeNode(std::string_view name);

  // A pod that has a node and has not ended. What was assumed of it is forgotten.
  void putPod(core_v1::Pod pod);
  // Counts the pod on the node before the API says so.
  void assume(const PodInfoPtr& pod, std::string_view node);
  // True when it had counted.
  bool removePod(const meta::ObjectKey& key);
  // The same, unless another pod has its name by now.
  bool removePod(const meta::ObjectKey& key, std::string_view uid);

  bool hasPod(const meta::ObjectKey& key) const { return pods_.contains(key); }

  // The pod waits for its victims on this node to be gone (status.nominatedNodeName).
  void nominate(const PodInfoPtr& pod, std::string_view node);
  // True when it was nominated.
  bool forgetNomination(const meta::ObjectKey& key);
  std::string_view nominatedNode(const meta::ObjectKey& key) const;  // "" when there is none
  const std::vector<PodInfoPtr>& nominatedOn(std::string_view node) const;

  void putNamespace(core_v1::Namespace ns);
  void removeNamespace(std::string_view name);
  const json::Object& labelsOfNamespace(std::string_view name) const;  // none when it isn't known

  const Nodes& nodes() const { return nodes_; }
  // Those that are known, by name.
  const std::vector<const NodeInfo*>& knownNodes() const { return knownNodes_; }
  const PodGroups& groups() const { return groups_; }

 private:
  struct Placed {
    PodInfoPtr info;
    std::string node;
  };
  void place(const meta::ObjectKey& key, PodInfoPtr info, std::string_view node);
  void listKnownNodes();

  Nodes nodes_;
  std::vector<const NodeInfo*> knownNodes_;
  std::map<meta::ObjectKey, Placed> pods_;
  PodGroups groups_;
  std::map<meta::ObjectKey, std::string> nominations_;
  std::map<std::string, std::vector<PodInfoPtr>, std::less<>> nominated_;  // by node
  std::map<std::string, core_v1::Namespace, std::less<>> namespaces_;
};

// Whether a change of a node can make room for a pod that it was refused to.
bool mayAdmitMore(const core_v1::Node& before, const core_v1::Node& after);

}  // namespace wherry::scheduler
