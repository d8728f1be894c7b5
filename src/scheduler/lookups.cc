#include "scheduler/lookups.h"

#include "scheduler/siblings.h"
#include "views/apps_v1.h"
#include "views/policy_v1.h"
#include "views/storage_v1.h"

namespace wherry::scheduler {

Lookups::Lookups(client::InformerFactory& informers)
    : claims_(informers.informer(core_v1::PersistentVolumeClaim::kResource())),
      volumes_(informers.informer(core_v1::PersistentVolume::kResource())),
      classes_(informers.informer(storage_v1::StorageClass::kResource())),
      drivers_(informers.informer(storage_v1::CSIDriver::kResource())),
      driversOfNodes_(informers.informer(storage_v1::CSINode::kResource())),
      capacities_(informers.informer(storage_v1::CSIStorageCapacity::kResource())),
      services_(informers.informer(core_v1::Service::kResource())),
      replicationControllers_(informers.informer(core_v1::ReplicationController::kResource())),
      replicaSets_(informers.informer(apps_v1::ReplicaSet::kResource())),
      statefulSets_(informers.informer(apps_v1::StatefulSet::kResource())),
      budgets_(informers.informer(policy_v1::PodDisruptionBudget::kResource())) {}

VolumeNeeds Lookups::volumeNeedsOf(const core_v1::Pod& pod) const {
  if (pod.spec().volumes().empty()) return {};
  return decideVolumeNeeds(pod, whatIsThere());
}

Storage Lookups::whatIsThere() const {
  return {.claim = [this](auto ns, auto name) { return claims_.get(ns, name); },
          .volume = [this](auto name) { return volumes_.get("", name); },
          .storageClass = [this](auto name) { return classes_.get("", name); },
          .volumes = [this] { return volumes_.list(); },
          .csiDriver = [this](auto name) { return drivers_.get("", name); },
          .capacities = [this] { return capacities_.list(); }};
}

NodeVolumes Lookups::nodeVolumes() const {
  return {.attachedBy = [this](const core_v1::Pod& pod) { return attachedVolumes(pod, whatIsThere()); },
          .limits = [this](std::string_view node) { return volumeLimits(node); }};
}

std::map<std::string, int64_t, std::less<>> Lookups::volumeLimits(std::string_view node) const {
  std::map<std::string, int64_t, std::less<>> out;
  const storage_v1::CSINode found(driversOfNodes_.get("", node));
  if (!found) return out;
  for (const auto driver : found.spec().drivers()) {
    if (driver.allocatable().hasCount()) out.emplace(driver.name(), driver.allocatable().count());
  }
  return out;
}

meta::LabelSelector Lookups::siblingsOf(const core_v1::Pod& pod) const {
  return scheduler::siblingsOf(
      pod, {.services = [this](auto ns) { return services_.list(ns); },
            .controller = [this](auto kind, auto ns, auto name) { return controller(kind, ns, name); }});
}

meta::ObjectPtr Lookups::controller(std::string_view kind, std::string_view ns, std::string_view name) const {
  if (kind == "ReplicaSet") return replicaSets_.get(ns, name);
  if (kind == "StatefulSet") return statefulSets_.get(ns, name);
  if (kind == "ReplicationController") return replicationControllers_.get(ns, name);
  return nullptr;
}

std::vector<Budget> Lookups::budgets() const {
  std::vector<Budget> read;
  for (const auto& object : budgets_.list()) read.push_back(budgetOf(policy_v1::PodDisruptionBudget(object)));
  return read;
}

}  // namespace wherry::scheduler
