// Who may connect to whom as NetworkPolicies have it, by the objects alone: what policy/ makes of them in the kernel is
// not looked at. Pure.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "json/value.h"
#include "views/core_v1.h"
#include "views/networking_v1.h"

namespace wherry::cli {

using networking_v1::NetworkPolicy;

enum class PolicyDirection { kIngress, kEgress };

// Those that isolate the pod in this direction; none: everything is allowed. A pod on the node's network is never
// isolated.
std::vector<NetworkPolicy> isolating(const std::vector<NetworkPolicy>& policies, const core_v1::Pod& pod,
                                     PolicyDirection direction);

// A port of a pod's that is connected to.
struct PolicyPort {
  std::string_view protocol;  // "TCP"
  int64_t number = 0;
  core_v1::Pod of;  // names of ports are its
};

struct PolicyPeer {
  core_v1::Pod pod;
  json::Object namespaceLabels;
};

// Whether the policy allows connections in this direction with the port and this peer, or without one, with anybody.
bool allows(const NetworkPolicy& policy, PolicyDirection direction, const PolicyPort& port, const PolicyPeer* peer);

}  // namespace wherry::cli
