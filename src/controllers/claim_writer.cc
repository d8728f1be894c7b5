#include "controllers/claim_writer.h"

#include "controllers/informer_handlers.h"
#include "controllers/ownership.h"

namespace wherry::controllers {

namespace {

meta::ObjectPtr patchOwner(client::Client& client, const meta::Resource& resource, const meta::Object& owner,
                           const meta::Object& object, const json::Value& patch, client::OwnWrites& writes) {
  try {
    auto written =
        client.patch(resource, object.metadata().ns(), object.metadata().name(), client::PatchType::kStrategic, patch);
    writes.wrote(owner.key().text(), *written);
    return written;
  } catch (const meta::StatusError& error) {
    if (!error.isNotFound()) throw;
    return nullptr;
  }
}

}  // namespace

std::vector<meta::ObjectPtr> applyClaims(client::Client& client, const meta::Resource& resource,
                                         const meta::Object& owner, const std::vector<meta::ObjectPtr>& candidates,
                                         client::OwnWrites& writes) {
  auto claims = decideClaims(owner, selectorOf(owner), candidates);
  for (const auto& object : claims.toAdopt) {
    auto adopted = patchOwner(client, resource, owner, *object, adoptionPatch(owner, *object), writes);
    if (adopted) claims.owned.push_back(std::move(adopted));
  }
  for (const auto& object : claims.toRelease) {
    patchOwner(client, resource, owner, *object, releasePatch(owner.metadata().uid(), *object), writes);
  }
  return std::move(claims.owned);
}

std::vector<meta::ObjectPtr> claimCandidates(const meta::Object& owner, const client::Informer& informer) {
  auto candidates = informer.byIndex(kByController, owner.metadata().uid());
  const auto orphans = informer.byIndex(kOrphans, owner.metadata().ns());
  candidates.insert(candidates.end(), orphans.begin(), orphans.end());
  return candidates;
}

}  // namespace wherry::controllers
