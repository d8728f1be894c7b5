#include "scheduler/plugins/volume_restrictions.h"

#include <algorithm>

#include "meta/persistent_volumes.h"
#include "scheduler/cycle_state.h"

namespace wherry::scheduler {

bool holdsClaimOf(const PodInfo& pod, const PodInfo& other) {
  const auto& alone = pod.volumes.alone;
  if (alone.empty() || pod.pod.metadata().ns() != other.pod.metadata().ns()) return false;
  const auto held = meta::claimNamesOf(*other.pod.object());
  return std::any_of(alone.begin(), alone.end(), [&](const meta::ObjectKey& claim) {
    return std::find(held.begin(), held.end(), claim.name) != held.end();
  });
}

int64_t countHolders(const PodInfo& pod, const ClusterCache& cluster) {
  if (pod.volumes.alone.empty()) return 0;
  int64_t holders = 0;
  for (const auto& [name, node] : cluster.nodes()) {
    for (const auto& other : node.pods()) holders += holdsClaimOf(pod, *other) ? 1 : 0;
  }
  return holders;
}

Verdict filterVolumeRestrictions(const CycleState& cycle, const NodeInfo&) {
  if (cycle.claimHolders == 0) return {};
  return {{"node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod access mode"},
          Preemption::kMayHelp};
}

}  // namespace wherry::scheduler
