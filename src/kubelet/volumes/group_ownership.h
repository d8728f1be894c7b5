// Gives the files of a volume to the pod's fsGroup, as upstream's SetVolumeOwnership does: the group, its rights, and
// the group for what is made later.
#pragma once

#include <string>

#include "views/core_v1.h"

namespace wherry::kubelet {

// Nothing happens for a pod without fsGroup; with fsGroupChangePolicy OnRootMismatch also when the directory itself is
// right already. Links are left alone. Throws std::system_error.
void giveToFsGroup(const std::string& directory, const core_v1::Pod& pod);

}  // namespace wherry::kubelet
