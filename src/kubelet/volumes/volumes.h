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

// Whether volumes or environment of the pod are made of this object. Pure.
enum class SourceKind { kConfigMap, kSecret };
bool usesObject(const core_v1::Pod& pod, SourceKind kind, std::string_view name);

// The container's volumeMounts. A subPath is resolved inside its volume, whatever links a container made there, and
// made when missing. Throws ConfigError.
std::vector<ContainerMount> volumeMounts(const core_v1::Pod& pod, const core_v1::Container& container,
                                         const PodPaths& paths, const Environment& environment,
                                         const ObjectLookup& lookup);

}  // namespace wherry::kubelet
