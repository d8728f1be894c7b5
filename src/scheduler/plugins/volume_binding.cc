#include "scheduler/plugins/volume_binding.h"

#include <algorithm>

#include "meta/node_selector.h"

namespace wherry::scheduler {

namespace {

bool reaches(const core_v1::PersistentVolume& volume, const NodeInfo& node) {
  const auto required = volume.spec().nodeAffinity().required();
  return !required || meta::matchesNodeSelector(required.tree(), node.node().metadata());
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
  return {};
}

}  // namespace wherry::scheduler
