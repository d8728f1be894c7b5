// nfs volumes: what another machine exports, mounted by mount(8), which finds the program of nfs-common.
#pragma once

#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "views/core_v1.h"

namespace wherry::kubelet {

struct NfsVolume {
  std::string name;    // of the PersistentVolume, or of the pod's volume
  std::string source;  // "server:/path"
  std::vector<std::string> options;
};

// Nothing when the volume is none. `claimed`: the PersistentVolume behind the pod's claim, empty for other volumes.
// Pure.
std::optional<NfsVolume> nfsVolumeOf(const core_v1::Volume& volume, const core_v1::PersistentVolume& claimed);

// The arguments of mount(8). Pure.
std::vector<std::string> nfsMountArguments(const NfsVolume& volume, const std::string& target);

// Blocks as long as the other machine takes, two minutes at most. Throws std::runtime_error in upstream's words.
void mountNfs(const NfsVolume& volume, const std::string& target, const std::stop_token& stop);
// Takes back all that is mounted in `directory`; what is there is never touched. Throws std::system_error.
void unmountNfs(const std::string& directory);

}  // namespace wherry::kubelet
