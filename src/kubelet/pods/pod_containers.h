// The containers of a pod, whichever list of its spec they stand in. Pure; views are valid as long as the pod.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kubelet/runtime/container_record.h"
#include "views/core_v1.h"

namespace wherry::kubelet {

struct PodContainer {
  core_v1::Container spec;  // an ephemeral container's too: it has the same fields, and targetContainerName
  ContainerKind kind = ContainerKind::kRegular;
};

// Init containers, containers, ephemeral containers, each in the pod's order.
std::vector<PodContainer> containersOf(const core_v1::Pod& pod);
std::optional<PodContainer> findContainer(const core_v1::Pod& pod, std::string_view name);

// kSidecar for one that goes on running (KEP-753), else kInit.
ContainerKind kindOf(const core_v1::Container& initContainer);

// "spec.containers{web}", where an event of a container points to.
std::string fieldPathOf(std::string_view name, ContainerKind kind);

}  // namespace wherry::kubelet
