// What is left to do for pods when no server looks after them any more: `wherry reset`.
#pragma once

#include <string>

#include "network/pod_network.h"

namespace wherry::kubelet {

enum class PodFiles {
  kRemove,  // all of it goes, at once
  kKeep,    // as before a reboot: containers are asked to end (10 s at most), records, volumes and logs stay
};

// Ends all containers of these directories and takes back their mounts, namespaces, links and control groups, whatever
// became of the files that tell of them. Nothing else may be running there. What can't be removed is logged, and the
// rest goes all the same; false then.
bool removeAllPods(const std::string& dataDir, const std::string& runDir, network::PodNetwork& network, PodFiles files);

}  // namespace wherry::kubelet
