// The part of a volume that a container mounts (subPath, subPathExpr): found or made inside the volume, whatever links
// a container has put there, and bound to a place of its own, so that a later change of the links leads nowhere else.
#pragma once

#include <string>

#include "kubelet/pods/environment.h"
#include "views/core_v1.h"

namespace wherry::kubelet {

// "" when the whole volume is mounted. Variables of subPathExpr are the container's. Throws ConfigError in the words of
// Kubernetes: "missing value for NAME". Pure.
std::string subPathOf(const core_v1::VolumeMount& mount, const Environment& environment);

// Binds `subPath` of the directory `volume` to `target`. What is missing is made as a directory, with the volume's own
// mode. Throws std::system_error, also when a link leads out of the volume (EXDEV).
void bindSubPath(const std::string& volume, const std::string& subPath, const std::string& target);

}  // namespace wherry::kubelet
