#include <algorithm>

#include "controllers/garbage_collector.h"

namespace wherry::controllers {

namespace {

std::vector<std::string> uidsIn(const std::vector<OwnerFinding>& owners, OwnerState state) {
  std::vector<std::string> uids;
  for (const auto& owner : owners) {
    if (owner.state == state) uids.push_back(owner.uid);
  }
  return uids;
}

// How the object's own deletion, once decided, treats what it owns: as its finalizers already say.
client::Propagation propagationOf(const meta::Metadata& metadata) {
  if (metadata.hasFinalizer("orphan")) return client::Propagation::kOrphan;
  if (metadata.hasFinalizer("foregroundDeletion")) return client::Propagation::kForeground;
  return client::Propagation::kBackground;
}

}  // namespace

DependentAction decideDependent(const meta::Object& object, const std::vector<OwnerFinding>& owners,
                                Dependents dependents) {
  const auto solid = uidsIn(owners, OwnerState::kSolid);
  const auto waiting = uidsIn(owners, OwnerState::kWaiting);
  auto gone = uidsIn(owners, OwnerState::kDangling);
  if (owners.empty()) return {};
  if (!solid.empty()) {
    gone.insert(gone.end(), waiting.begin(), waiting.end());
    if (gone.empty()) return {};
    return {DependentAction::Kind::kDropOwners, std::move(gone), {}};
  }
  const bool inForeground = !waiting.empty() && dependents == Dependents::kSome;
  return {DependentAction::Kind::kDelete,
          {},
          inForeground ? client::Propagation::kForeground : propagationOf(object.metadata())};
}

json::Value withoutOwners(const meta::Object& object, const std::vector<std::string>& uids) {
  json::Array kept;
  for (const auto& reference : object.metadata().ownerReferences()) {
    const auto uid = json::getString(reference, "uid");
    if (std::find(uids.begin(), uids.end(), uid) == uids.end()) kept.push_back(reference);
  }
  const auto metadata = object.metadata();
  return json::Object{{"metadata", json::Object{{"uid", metadata.uid()},
                                                {"resourceVersion", metadata.resourceVersion()},
                                                {"ownerReferences", std::move(kept)}}}};
}

}  // namespace wherry::controllers
