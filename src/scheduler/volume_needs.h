// What a pod's PersistentVolumeClaims ask of its node. Pure.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "meta/object.h"
#include "views/core_v1.h"

namespace wherry::scheduler {

struct VolumeNeeds {
  std::string blocked;                                  // why no node will do yet; "" when one may
  std::vector<meta::ObjectKey> alone;                   // claims that one pod alone may have
  bool taken = false;                                   // another has one of these; found out by who knows all pods
  std::vector<core_v1::PersistentVolume> bound;         // the node must be one of theirs
  std::vector<core_v1::PersistentVolumeClaim> unbound;  // get their volume once the pod has a node
  // For claims of classes that don't provision: volumes of which one must be the node's.
  std::vector<std::vector<core_v1::PersistentVolume>> candidates;
};

// What is there; null for what isn't.
struct Storage {
  std::function<meta::ObjectPtr(std::string_view ns, std::string_view name)> claim;
  std::function<meta::ObjectPtr(std::string_view name)> volume;
  std::function<meta::ObjectPtr(std::string_view name)> storageClass;
  std::function<std::vector<meta::ObjectPtr>()> volumes;
};

VolumeNeeds decideVolumeNeeds(const core_v1::Pod& pod, const Storage& storage);

}  // namespace wherry::scheduler
