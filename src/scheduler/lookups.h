// Lookups: what the scheduler asks of other objects when it looks at a pod, out of the informers' caches. Safe from any
// thread.
#pragma once

#include <array>
#include <vector>

#include "client/informer.h"
#include "meta/selector.h"
#include "scheduler/cycle_state.h"
#include "scheduler/preemption.h"
#include "scheduler/volume_needs.h"

namespace wherry::scheduler {

class Lookups {
 public:
  explicit Lookups(client::InformerFactory& informers);

  VolumeNeeds volumeNeedsOf(const core_v1::Pod& pod) const;
  // Asks of these as long as the lookups are there.
  NodeVolumes nodeVolumes() const;
  meta::LabelSelector siblingsOf(const core_v1::Pod& pod) const;
  std::vector<Budget> budgets() const;

  // Those whose changes may help a pod that waits for its claims.
  std::array<client::Informer*, 6> storage() const {
    return {&claims_, &volumes_, &classes_, &drivers_, &driversOfNodes_, &capacities_};
  }

 private:
  Storage whatIsThere() const;
  std::map<std::string, int64_t, std::less<>> volumeLimits(std::string_view node) const;
  meta::ObjectPtr controller(std::string_view kind, std::string_view ns, std::string_view name) const;

  client::Informer& claims_;
  client::Informer& volumes_;
  client::Informer& classes_;
  client::Informer& drivers_;
  client::Informer& driversOfNodes_;
  client::Informer& capacities_;
  client::Informer& services_;
  client::Informer& replicationControllers_;
  client::Informer& replicaSets_;
  client::Informer& statefulSets_;
  client::Informer& budgets_;
};

}  // namespace wherry::scheduler
