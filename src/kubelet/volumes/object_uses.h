// Which pods are made of an object, so that they hear of its changes. Pure.
#pragma once

#include <cstddef>
#include <string_view>

#include "views/core_v1.h"

namespace wherry::kubelet {

enum class SourceKind { kConfigMap, kSecret, kClaim };

// Whether volumes or environment of the pod are made of this object, which is of its namespace.
bool usesObject(const core_v1::Pod& pod, SourceKind kind, std::string_view name);

// Changes with what downwardAPI volumes may show of the pod; 0 for a pod without any.
size_t downwardDigest(const core_v1::Pod& pod);

}  // namespace wherry::kubelet
