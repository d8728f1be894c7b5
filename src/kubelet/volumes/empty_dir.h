// emptyDir volumes: a directory of the pod's own, on the node's disk or in memory.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <sys/types.h>

#include "views/core_v1.h"

namespace wherry::kubelet {

// What is set for the whole pod; nothing without securityContext.fsGroup.
std::optional<gid_t> fsGroupOf(const core_v1::Pod& pod);

// The size of an emptyDir in memory, in bytes: the smallest of its sizeLimit and what memory its containers may have
// (KEP-1967); 0 when nothing limits it. What is in it counts as the memory of who wrote it. Pure.
int64_t memoryVolumeSize(const core_v1::Pod& pod, const core_v1::EmptyDirVolumeSource& source);

// Makes it, or what is missing of it. Throws std::system_error.
void setUpEmptyDir(const core_v1::Pod& pod, const core_v1::EmptyDirVolumeSource& source, const std::string& directory);

// Mounts a tmpfs of the node's own on a directory for content that is not to reach its disk: Secrets, tokens. One that
// has content on disk already, from before there was such a mount, is left alone.
void keepInMemory(const std::string& directory);

}  // namespace wherry::kubelet
