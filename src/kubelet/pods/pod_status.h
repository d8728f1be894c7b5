// Renders the status of a pod as the API shows it. Pure.
#pragma once

#include <string>

#include "json/value.h"
#include "kubelet/pods/observation.h"
#include "views/core_v1.h"

namespace wherry::kubelet {

struct NodeIdentity {
  std::string ip;
};

// The whole of status that the kubelet owns. Conditions keep their lastTransitionTime while their status stays, and
// those of others (PodScheduled, readiness gates) stay as they are.
json::Object renderPodStatus(const core_v1::Pod& pod, const Observation& seen, const NodeIdentity& node);

// One entry of containerStatuses or initContainerStatuses.
json::Object renderContainerStatus(const core_v1::Pod& pod, const core_v1::Container& container, ContainerKind kind,
                                   const Observation& seen);

}  // namespace wherry::kubelet
