#include "scheduler/plugins/volume_limits.h"

#include "scheduler/cycle_state.h"

namespace wherry::scheduler {

Verdict filterVolumeLimits(const CycleState& cycle, const NodeInfo& node) {
  const DriverVolumes& wanted = cycle.pod.volumes.attached;
  if (wanted.empty() || !cycle.nodeVolumes.limits) return {};
  const auto limits = cycle.nodeVolumes.limits(node.name());
  if (limits.empty()) return {};
  DriverVolumes there;
  for (const auto& other : node.pods()) there.merge(cycle.nodeVolumes.attachedBy(other->pod));
  std::map<std::string, int64_t, std::less<>> after, added;
  for (const auto& volume : there) ++after[volume.driver];
  for (const auto& volume : wanted) {
    if (!there.contains(volume)) ++after[volume.driver], ++added[volume.driver];
  }
  for (const auto& [driver, count] : added) {
    const auto limit = limits.find(driver);
    if (limit == limits.end() || after[driver] <= limit->second) continue;
    return {{"node(s) exceed max volume count"}, Preemption::kMayHelp};
  }
  return {};
}

}  // namespace wherry::scheduler
