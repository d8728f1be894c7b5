#include "scheduler/cycle_state.h"

namespace wherry::scheduler {

CycleState::CycleState(const PodInfo& podToPlace, const ClusterCache& clusterToUse, Siblings siblingsToUse)
    : pod(podToPlace),
      cluster(clusterToUse),
      siblings(std::move(siblingsToUse)),
      affinity(countAffinity(podToPlace, clusterToUse)),
      spread(countSpread(podToPlace, clusterToUse)) {}

void CycleState::adjust(const PodInfo& other, const NodeInfo& node, int64_t by) {
  adjustAffinity(affinity, pod, other, node, by, cluster);
  adjustSpread(spread, pod, other, node, by);
}

}  // namespace wherry::scheduler
