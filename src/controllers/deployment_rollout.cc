#include "controllers/deployment_rollout.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "base/strings.h"
#include "controllers/number_or_percent.h"

namespace wherry::controllers {

namespace {

using apps_v1::Deployment;
using apps_v1::ReplicaSet;

int64_t size(const ReplicaSet& replicaSet) { return replicaSet.spec().replicasOr(1); }

int64_t totalSize(const std::vector<ReplicaSet>& replicaSets) {
  return std::accumulate(replicaSets.begin(), replicaSets.end(), int64_t{0},
                         [](int64_t sum, const ReplicaSet& replicaSet) { return sum + size(replicaSet); });
}

int64_t totalAvailable(const std::vector<ReplicaSet>& replicaSets) {
  return std::accumulate(
      replicaSets.begin(), replicaSets.end(), int64_t{0},
      [](int64_t sum, const ReplicaSet& replicaSet) { return sum + replicaSet.status().availableReplicas(); });
}

std::vector<ReplicaSet> activeOf(std::vector<ReplicaSet> replicaSets) {
  std::erase_if(replicaSets, [](const ReplicaSet& replicaSet) { return size(replicaSet) == 0; });
  return replicaSets;
}

void addUnlessSame(std::vector<ScaleAction>& actions, const ReplicaSet& replicaSet, int64_t replicas) {
  if (size(replicaSet) != replicas) actions.push_back({replicaSet, replicas});
}

// How far the current ReplicaSet may grow, beside pods that old ones have.
int64_t grownSize(const Deployment& deployment, int64_t currentSize, int64_t allPods) {
  if (!isRolling(deployment)) return desiredReplicas(deployment);
  const int64_t room = desiredReplicas(deployment) + maxSurge(deployment) - allPods;
  if (room <= 0) return currentSize;
  return currentSize + std::min(room, desiredReplicas(deployment) - currentSize);
}

// Old ReplicaSets while they shrink.
class Shrinking {
 public:
  explicit Shrinking(const std::vector<ReplicaSet>& old) : old_(old) {
    for (const auto& replicaSet : old) sizes_.push_back(size(replicaSet));
  }

  // First the pods that serve nobody anyway.
  void dropUnavailable(int64_t most) {
    for (size_t i = 0; i < old_.size() && most > 0; ++i) {
      const int64_t unavailable = sizes_[i] - old_[i].status().availableReplicas();
      most -= drop(i, std::min(most, std::max<int64_t>(unavailable, 0)));
    }
  }

  void dropAny(int64_t most) {
    for (size_t i = 0; i < old_.size() && most > 0; ++i) most -= drop(i, std::min(most, sizes_[i]));
  }

  std::vector<ScaleAction> actions() const {
    std::vector<ScaleAction> actions;
    for (size_t i = 0; i < old_.size(); ++i) addUnlessSame(actions, old_[i], sizes_[i]);
    return actions;
  }

 private:
  int64_t drop(size_t index, int64_t count) {
    sizes_[index] -= count;
    return count;
  }

  const std::vector<ReplicaSet>& old_;
  std::vector<int64_t> sizes_;
};

std::vector<ScaleAction> decideOldReplicaSets(const Deployment& deployment, const Generations& generations) {
  if (totalSize(generations.old) == 0) return {};
  const auto all = generations.all();
  const int64_t minAvailable = desiredReplicas(deployment) - maxUnavailable(deployment);
  const int64_t newUnavailable = size(*generations.current) - generations.current->status().availableReplicas();
  const int64_t mostDown = totalSize(all) - minAvailable - newUnavailable;
  if (mostDown <= 0) return {};
  Shrinking shrinking(generations.old);
  shrinking.dropUnavailable(mostDown);
  shrinking.dropAny(totalAvailable(all) - minAvailable);
  return shrinking.actions();
}

int64_t annotatedNumber(const ReplicaSet& replicaSet, std::string_view annotation, int64_t fallback) {
  return base::parseInt<int64_t>(replicaSet.metadata().annotation(annotation)).value_or(fallback);
}

// What a ReplicaSet gains (or loses) of `toAdd`, in proportion to its size; `added` went to others already.
int64_t proportion(const Deployment& deployment, const ReplicaSet& replicaSet, int64_t toAdd, int64_t added) {
  if (toAdd == added) return 0;
  int64_t share = -size(replicaSet);
  if (desiredReplicas(deployment) > 0) {
    const auto mostNow = static_cast<double>(desiredReplicas(deployment) + maxSurge(deployment));
    const int64_t before = annotatedNumber(replicaSet, kMaxReplicas, deployment.status().replicas());
    if (before == 0) return 0;
    share =
        std::llround(static_cast<double>(size(replicaSet)) * mostNow / static_cast<double>(before)) - size(replicaSet);
  }
  return toAdd > 0 ? std::min(share, toAdd - added) : std::max(share, toAdd - added);
}

// Larger ones first; of the same size the newer when pods are added, the older when they are taken away.
void sortForScaling(std::vector<ReplicaSet>& replicaSets, int64_t toAdd) {
  std::stable_sort(replicaSets.begin(), replicaSets.end(), [&](const ReplicaSet& a, const ReplicaSet& b) {
    if (size(a) != size(b)) return size(a) > size(b);
    const auto left = a.metadata().creationTimestamp(), right = b.metadata().creationTimestamp();
    return toAdd > 0 ? left > right : left < right;
  });
}

std::vector<ScaleAction> decideProportionally(const Deployment& deployment, std::vector<ReplicaSet> active) {
  const int64_t desired = desiredReplicas(deployment);
  const int64_t allowed = desired > 0 ? desired + maxSurge(deployment) : 0;
  const int64_t toAdd = allowed - totalSize(active);
  sortForScaling(active, toAdd);
  std::vector<int64_t> sizes;
  int64_t added = 0;
  for (const auto& replicaSet : active) {
    const int64_t share = toAdd == 0 ? 0 : proportion(deployment, replicaSet, toAdd, added);
    added += share;
    sizes.push_back(size(replicaSet) + share);
  }
  if (!sizes.empty()) sizes[0] = std::max<int64_t>(sizes[0] + toAdd - added, 0);
  std::vector<ScaleAction> actions;
  for (size_t i = 0; i < active.size(); ++i) actions.push_back({active[i], sizes[i]});
  return actions;
}

bool isSaturated(const Deployment& deployment, const Generations& generations) {
  if (!generations.current) return false;
  const auto& current = *generations.current;
  const int64_t desired = desiredReplicas(deployment);
  return size(current) == desired && annotatedNumber(current, kDesiredReplicas, -1) == desired &&
         current.status().availableReplicas() == desired;
}

// The only active one, or the newest when none is; nothing while several are.
const ReplicaSet* onlyActive(const std::vector<ReplicaSet>& all, const Generations& generations) {
  const ReplicaSet* only = nullptr;
  for (const auto& replicaSet : all) {
    if (size(replicaSet) == 0) continue;
    if (only) return nullptr;
    only = &replicaSet;
  }
  if (only) return only;
  if (generations.current) return &*generations.current;
  return generations.old.empty() ? nullptr : &generations.old.back();
}

}  // namespace

bool isRolling(const Deployment& deployment) { return deployment.spec().strategy().type() != "Recreate"; }

int64_t desiredReplicas(const Deployment& deployment) { return deployment.spec().replicasOr(1); }

int64_t maxSurge(const Deployment& deployment) {
  if (!isRolling(deployment)) return 0;
  static const json::Value kDefault = "25%";
  const auto* value = deployment.spec().strategy().rollingUpdate().maxSurge();
  return resolveNumberOrPercent(value ? *value : kDefault, desiredReplicas(deployment), Rounding::kUp);
}

int64_t maxUnavailable(const Deployment& deployment) {
  if (!isRolling(deployment) || desiredReplicas(deployment) == 0) return 0;
  static const json::Value kDefault = "25%";
  const auto* value = deployment.spec().strategy().rollingUpdate().maxUnavailable();
  const int64_t desired = desiredReplicas(deployment);
  const int64_t unavailable = resolveNumberOrPercent(value ? *value : kDefault, desired, Rounding::kDown);
  // Both 0 would never get anywhere (a percentage of few pods).
  if (unavailable == 0 && maxSurge(deployment) == 0) return 1;
  return std::min(unavailable, desired);
}

int64_t initialReplicas(const Deployment& deployment, const std::vector<ReplicaSet>& old) {
  return grownSize(deployment, 0, totalSize(old));
}

std::vector<ScaleAction> decideRollingUpdate(const Deployment& deployment, const Generations& generations) {
  const auto& current = *generations.current;
  std::vector<ScaleAction> actions;
  if (size(current) > desiredReplicas(deployment)) {
    addUnlessSame(actions, current, desiredReplicas(deployment));
  } else if (size(current) < desiredReplicas(deployment)) {
    addUnlessSame(actions, current, grownSize(deployment, size(current), totalSize(generations.all())));
  }
  return actions.empty() ? decideOldReplicaSets(deployment, generations) : actions;
}

std::vector<ScaleAction> decideScaleDownForRecreate(const Generations& generations) {
  std::vector<ScaleAction> actions;
  for (const auto& replicaSet : generations.old) addUnlessSame(actions, replicaSet, 0);
  return actions;
}

std::vector<ScaleAction> decideScaleUpForRecreate(const Deployment& deployment, const Generations& generations) {
  std::vector<ScaleAction> actions;
  addUnlessSame(actions, *generations.current, desiredReplicas(deployment));
  return actions;
}

bool isScaling(const Deployment& deployment, const Generations& generations) {
  const auto active = activeOf(generations.all());
  return std::any_of(active.begin(), active.end(), [&](const ReplicaSet& replicaSet) {
    const int64_t desired = desiredReplicas(deployment);
    return annotatedNumber(replicaSet, kDesiredReplicas, desired) != desired;
  });
}

std::vector<ScaleAction> decideScaling(const Deployment& deployment, const Generations& generations) {
  const auto all = generations.all();
  std::vector<ScaleAction> actions;
  if (const auto* only = onlyActive(all, generations)) {
    actions.push_back({*only, desiredReplicas(deployment)});
  } else if (isSaturated(deployment, generations)) {
    for (const auto& replicaSet : generations.old) addUnlessSame(actions, replicaSet, 0);
  } else if (isRolling(deployment)) {
    return decideProportionally(deployment, activeOf(all));
  }
  return actions;
}

}  // namespace wherry::controllers
