// What the scheduler decides on: pods and nodes with everything that its plugins ask for computed once. Values; pure.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "scheduler/affinity_terms.h"
#include "scheduler/resources.h"
#include "scheduler/volume_needs.h"
#include "views/core_v1.h"

namespace wherry::scheduler {

struct HostPort {
  std::string ip;  // "0.0.0.0" when the pod names none
  std::string protocol;
  int64_t port = 0;

  // The same port and protocol on the same address, or on all of them.
  bool conflictsWith(const HostPort& other) const;
  auto operator<=>(const HostPort&) const = default;
};

struct PodInfo {
  explicit PodInfo(core_v1::Pod podToRead);

  core_v1::Pod pod;
  Resources requests;
  Resources scoredRequests;
  std::vector<HostPort> hostPorts;
  AffinityTerms affinity;
  VolumeNeeds volumes;  // none until somebody looks at its claims

  int64_t priority() const { return pod.spec().priority(); }
};
using PodInfoPtr = std::shared_ptr<const PodInfo>;

// A node and what is on it.
class NodeInfo {
 public:
  NodeInfo() = default;

  void setNode(core_v1::Node node);
  void add(PodInfoPtr pod);
  void remove(const PodInfoPtr& pod);  // REQUIRES: it was added

  // False while only its pods are known.
  bool known() const { return static_cast<bool>(node_); }
  bool empty() const { return pods_.empty(); }
  const core_v1::Node& node() const { return node_; }
  std::string_view name() const { return name_; }
  // The value of one of the node's labels.
  std::optional<std::string_view> label(std::string_view key) const;
  const std::vector<PodInfoPtr>& pods() const { return pods_; }
  const Resources& allocatable() const { return allocatable_; }
  const Resources& requested() const { return requested_; }
  const Resources& scoredRequested() const { return scoredRequested_; }
  int64_t podCount() const { return static_cast<int64_t>(pods_.size()); }
  bool hasConflict(const HostPort& port) const;

 private:
  core_v1::Node node_;
  std::string name_;
  std::vector<PodInfoPtr> pods_;
  Resources allocatable_;
  Resources requested_;
  Resources scoredRequested_;
  std::map<HostPort, int> hostPorts_;
};

using Nodes = std::map<std::string, NodeInfo, std::less<>>;

}  // namespace wherry::scheduler
