#include "scheduler/plugins/volume_binding.h"

#include <algorithm>

#include "meta/node_selector.h"
#include "meta/selector.h"

namespace wherry::scheduler {

namespace {

bool reaches(const core_v1::PersistentVolume& volume, const NodeInfo& node) {
  const auto required = volume.spec().nodeAffinity().required();
  return !required || meta::matchesNodeSelector(required.tree(), node.node().metadata());
}

bool meets(const NodeInfo& node, const core_v1::TopologySelectorLabelRequirement& requirement) {
  const auto has = node.label(requirement.key());
  if (!has) return false;
  for (const std::string_view value : requirement.values()) {
    if (value == *has) return true;
  }
  return false;
}

// One of the class's terms, all of its requirements; a class without terms is for all nodes.
bool isAllowed(const storage_v1::StorageClass& storageClass, const NodeInfo& node) {
  const auto terms = storageClass.allowedTopologies();
  for (const auto term : terms) {
    bool met = true;
    for (const auto requirement : term.matchLabelExpressions()) met = met && meets(node, requirement);
    if (met) return true;
  }
  return terms.empty();
}

bool hasRoom(const Provisioning& wanted, const NodeInfo& node) {
  if (!wanted.limited) return true;
  return std::any_of(wanted.room.begin(), wanted.room.end(), [&](const storage_v1::CSIStorageCapacity& capacity) {
    const auto* topology = capacity.field("nodeTopology");
    return topology && meta::LabelSelector::fromObject(topology).matches(node.node().metadata().labels());
  });
}

}  // namespace

Reasons filterVolumeBinding(const PodInfo& pod, const NodeInfo& node) {
  const VolumeNeeds& needs = pod.volumes;
  if (!needs.blocked.empty()) return {needs.blocked};
  const auto here = [&](const core_v1::PersistentVolume& volume) { return reaches(volume, node); };
  if (!std::all_of(needs.bound.begin(), needs.bound.end(), here)) {
    return {"node(s) didn't match PersistentVolume's node affinity"};
  }
  for (const auto& candidates : needs.candidates) {
    if (std::none_of(candidates.begin(), candidates.end(), here)) {
      return {"node(s) didn't find available persistent volumes to bind"};
    }
  }
  for (const Provisioning& wanted : needs.provisioned) {
    if (std::any_of(wanted.candidates.begin(), wanted.candidates.end(), here)) continue;
    if (!isAllowed(wanted.storageClass, node)) return {"node(s) didn't find available persistent volumes to bind"};
    if (!hasRoom(wanted, node)) return {"node(s) did not have enough free storage"};
  }
  return {};
}

}  // namespace wherry::scheduler
