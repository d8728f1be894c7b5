// What a pod's PersistentVolumeClaims ask of its node. Pure.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "meta/object.h"
#include "views/core_v1.h"
#include "views/storage_v1.h"

namespace wherry::scheduler {

// A volume that a storage driver attaches to nodes.
struct DriverVolume {
  std::string driver;
  std::string handle;  // of one that is yet to be made: its claim's key
  auto operator<=>(const DriverVolume&) const = default;
};
using DriverVolumes = std::set<DriverVolume>;

// A claim whose volume a driver makes once the pod has a node, or which gets one that is there.
struct Provisioning {
  storage_v1::StorageClass storageClass;
  bool limited = false;                              // only where there is room, as the driver says
  std::vector<storage_v1::CSIStorageCapacity> room;  // enough for the claim, each in its part of the cluster
  std::vector<core_v1::PersistentVolume> candidates;
};

struct VolumeNeeds {
  std::string blocked;                                  // why no node will do yet; "" when one may
  std::vector<meta::ObjectKey> alone;                   // claims that one pod alone may have
  std::vector<core_v1::PersistentVolume> bound;         // the node must be one of theirs
  std::vector<core_v1::PersistentVolumeClaim> unbound;  // get their volume once the pod has a node
  // For claims of classes that don't provision: volumes of which one must be the node's.
  std::vector<std::vector<core_v1::PersistentVolume>> candidates;
  std::vector<Provisioning> provisioned;
  DriverVolumes attached;
};

// What is there; null for what isn't.
struct Storage {
  std::function<meta::ObjectPtr(std::string_view ns, std::string_view name)> claim;
  std::function<meta::ObjectPtr(std::string_view name)> volume;
  std::function<meta::ObjectPtr(std::string_view name)> storageClass;
  std::function<std::vector<meta::ObjectPtr>()> volumes;
  std::function<meta::ObjectPtr(std::string_view name)> csiDriver;
  std::function<std::vector<meta::ObjectPtr>()> capacities;
};

VolumeNeeds decideVolumeNeeds(const core_v1::Pod& pod, const Storage& storage);
// The pod's volumes that count against its node's limits. Inline ones don't, as upstream.
DriverVolumes attachedVolumes(const core_v1::Pod& pod, const Storage& storage);

}  // namespace wherry::scheduler
