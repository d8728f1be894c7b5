// What the scheduler decides on: pods and nodes with everything that its plugins ask for computed once. Values; pure.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

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
  VolumeNeeds volumes;  // none until somebody looks at its claims
};

// A node and what is on it.
class NodeInfo {
 public:
  NodeInfo() = default;

  void setNode(core_v1::Node node);
  void add(const PodInfo& pod);
  void remove(const PodInfo& pod);  // REQUIRES: it was added, with the same requests

  // False while only its pods are known.
  bool known() const { return static_cast<bool>(node_); }
  bool empty() const { return podCount_ == 0; }
  const core_v1::Node& node() const { return node_; }
  std::string_view name() const { return node_.metadata().name(); }
  const Resources& allocatable() const { return allocatable_; }
  const Resources& requested() const { return requested_; }
  const Resources& scoredRequested() const { return scoredRequested_; }
  int64_t podCount() const { return podCount_; }
  bool hasConflict(const HostPort& port) const;

 private:
  core_v1::Node node_;
  Resources allocatable_;
  Resources requested_;
  Resources scoredRequested_;
  int64_t podCount_ = 0;
  std::map<HostPort, int> hostPorts_;
};

using Nodes = std::map<std::string, NodeInfo, std::less<>>;

}  // namespace wherry::scheduler
