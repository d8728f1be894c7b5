// Sets up the volumes of pods and tells where containers mount them from. Safe from any thread for different pods.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "kubelet/pods/environment.h"
#include "kubelet/runtime/oci_spec.h"
#include "kubelet/runtime/pod_paths.h"
#include "kubelet/volumes/payload.h"

namespace wherry::kubelet {

// A volume that can't be set up; what() is the reason, `volume` its name.
struct VolumeError : std::runtime_error {
  VolumeError(std::string name, const std::string& message) : std::runtime_error(message), volume(std::move(name)) {}
  std::string volume;
};

struct VolumeSources {
  PodFacts facts;
  ObjectLookup lookup;
  TokenSource token;
};

// Makes what is missing and brings content up to date. Throws VolumeError.
void setUpVolumes(const core_v1::Pod& pod, const PodPaths& paths, const VolumeSources& sources);
// Brings those that are made of API objects up to date, all that can be; then throws VolumeError for the first that
// can't. REQUIRES: they were set up.
void refreshVolumes(const core_v1::Pod& pod, const PodPaths& paths, const VolumeSources& sources);

// The kernel here can make what is mounted below a volume read-only too: both IfPossible and Enabled say so. Pure.
bool isRecursivelyReadOnly(const core_v1::VolumeMount& mount);

// The container's volumeMounts. A subPath is resolved inside its volume, whatever links a container made there, and
// made when missing. Throws ConfigError.
std::vector<ContainerMount> volumeMounts(const core_v1::Pod& pod, const core_v1::Container& container,
                                         const PodPaths& paths, const Environment& environment,
                                         const ObjectLookup& lookup);

}  // namespace wherry::kubelet
