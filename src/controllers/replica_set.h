// The ReplicaSet controller: as many pods as spec.replicas says, made from the template. ReplicationControllers are the
// same with a plainer selector, and share all of it.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include "controllers/controller.h"
#include "json/value.h"
#include "meta/object.h"
#include "views/apps_v1.h"
#include "views/core_v1.h"

namespace wherry::controllers {

std::unique_ptr<Controller> makeReplicaSetController(ControllerContext& context);
std::unique_ptr<Controller> makeReplicationControllerController(ControllerContext& context);

// -- pure; Owner is apps_v1::ReplicaSet or core_v1::ReplicationController --------------------------------------------

// At most so many pods are created or deleted in one go; slowly at first (batches.h), so that a full quota or a bad
// template costs one request.
inline constexpr int64_t kReplicaSetBurst = 500;

struct ReplicaActions {
  int64_t create = 0;
  std::vector<core_v1::Pod> remove;  // those whose loss costs least
};
// `pods` are the active ones. `podsOnNode` says how many active pods of the same application (this ReplicaSet and its
// siblings under one Deployment) a node has.
using PodsOnNode = std::function<int64_t(std::string_view node)>;
template <typename Owner>
ReplicaActions decideReplicas(const Owner& owner, const std::vector<core_v1::Pod>& pods, const PodsOnNode& podsOnNode,
                              base::WallTime now);

// `pods` in the order in which they should go: unassigned, pending, not ready, low
// controller.kubernetes.io/pod-deletion-cost, crowded node, ready for less time, more restarts, younger. (Times are
// compared by magnitude: KEP-2185.)
void sortForDeletion(std::vector<core_v1::Pod>& pods, const PodsOnNode& podsOnNode, base::WallTime now);

// Why the last round did not bring all pods about.
struct ReplicaFailure {
  std::string reason;  // FailedCreate, FailedDelete; "" when nothing failed
  std::string message;
};
// status, upon the one that the owner has. `pods` are all of its pods.
template <typename Owner>
json::Object decideReplicaStatus(const Owner& owner, const std::vector<core_v1::Pod>& pods,
                                 const ReplicaFailure& failure, base::WallTime now);

}  // namespace wherry::controllers
