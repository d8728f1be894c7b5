// What a pod takes of the node, read from the kernel and the disk now.
#pragma once

#include <string>

#include "kubelet/eviction/node_pressure.h"
#include "kubelet/eviction/pod_ranking.h"
#include "kubelet/runtime/containers.h"

namespace wherry::kubelet {

// `pod` has the uid that it has on this node. `logDir`: of all pods.
PodUse readPodUse(const core_v1::Pod& pod, const Containers& containers, const std::string& logDir,
                  NodePressureOptions::Measure what);

}  // namespace wherry::kubelet
