#include "scheduler/cycle_state.h"

#include "scheduler/plugins/volume_restrictions.h"

namespace wherry::scheduler {

CycleState::CycleState(const PodInfo& podToPlace, const ClusterCache& clusterToUse, Siblings siblingsToUse,
                       NodeVolumes nodeVolumesToUse)
    : pod(podToPlace),
      cluster(clusterToUse),
      siblings(std::move(siblingsToUse)),
      nodeVolumes(std::move(nodeVolumesToUse)),
      affinity(countAffinity(podToPlace, clusterToUse)),
      spread(countSpread(podToPlace, clusterToUse)),
      claimHolders(countHolders(podToPlace, clusterToUse)) {}

void CycleState::adjust(const PodInfo& other, const NodeInfo& node, int64_t by) {
  adjustAffinity(affinity, pod, other, node, by, cluster);
  adjustSpread(spread, pod, other, node, by);
  if (holdsClaimOf(pod, other)) claimHolders += by;
}

}  // namespace wherry::scheduler
