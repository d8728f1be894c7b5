#include "controllers/ephemeral_volume.h"

#include <algorithm>

#include <fmt/format.h>

#include "client/workqueue.h"
#include "controllers/informer_handlers.h"
#include "controllers/pod_state.h"
#include "meta/persistent_volumes.h"

namespace wherry::controllers {

namespace {

using core_v1::PersistentVolumeClaim;
using core_v1::Pod;
using meta::ObjectPtr;

bool hasEphemeral(const Pod& pod) {
  for (const auto volume : pod.spec().volumes()) {
    if (volume.hasEphemeral()) return true;
  }
  return false;
}

json::Value claimOf(const Pod& pod, const core_v1::Volume& volume, const std::string& name) {
  const json::Object none;
  const auto owner = pod.metadata();
  const json::Value* wanted = json::find(volume.tree(), "ephemeral.volumeClaimTemplate");
  json::Object metadata{{"name", name},
                        {"namespace", owner.ns()},
                        {"ownerReferences", json::Array{json::Object{{"apiVersion", "v1"},
                                                                     {"kind", "Pod"},
                                                                     {"name", owner.name()},
                                                                     {"uid", owner.uid()},
                                                                     {"controller", true},
                                                                     {"blockOwnerDeletion", true}}}}};
  for (const char* field : {"labels", "annotations"}) {
    const json::Value* value = wanted ? json::find(*wanted, std::string("metadata.") + field) : nullptr;
    if (value) metadata[field] = *value;
  }
  const json::Value* spec = wanted ? json::find(*wanted, "spec") : nullptr;
  return json::Object{{"apiVersion", "v1"},
                      {"kind", "PersistentVolumeClaim"},
                      {"metadata", std::move(metadata)},
                      {"spec", spec ? *spec : json::Value(json::Object())}};
}

class EphemeralVolumeController : public Controller {
 public:
  explicit EphemeralVolumeController(ControllerContext& context)
      : client_(context.client),
        events_(context.events.forComponent("ephemeral_volume")),
        pods_(context.informers.informer(Pod::kResource())),
        claims_(context.informers.informer(PersistentVolumeClaim::kResource())) {
    pods_.addHandler({.onChange =
                          [this](const ObjectPtr&, const ObjectPtr& after) {
                            if (after && hasEphemeral(Pod(after))) queue_.add(after->key().text());
                          },
                      .onSynced = {},
                      .onRevision = {}});
    // One that is gone is made again; one that was in the way is so no more.
    claims_.addHandler({.onChange =
                            [this](const ObjectPtr& before, const ObjectPtr& after) {
                              if (!after) claimGone(*before);
                            },
                        .onSynced = {},
                        .onRevision = {}});
  }

  void start() override {
    loop_.emplace(
        queue_, [this](const std::string& key) { reconcile(meta::ObjectKey::parse(key)); }, 1u);
  }

 private:
  void claimGone(const meta::Object& claim) {
    for (const ObjectPtr& pod : pods_.list(claim.metadata().ns())) {
      const auto names = meta::claimNamesOf(*pod);
      const bool uses = std::find(names.begin(), names.end(), claim.metadata().name()) != names.end();
      if (uses && hasEphemeral(Pod(pod))) queue_.add(pod->key().text());
    }
  }

  void reconcile(const meta::ObjectKey& key) {
    const Pod pod(pods_.get(key));
    if (!pod) return;
    const auto decision = decideEphemeralClaims(pod, [&](auto name) { return claims_.get(key.ns, name); });
    for (const std::string& conflict : decision.conflicts) {
      events_.record(*pod.object(), client::Severity::kWarning, "FailedBinding", conflict);
    }
    for (const json::Value& claim : decision.toMake) make(key, claim);
  }

  void make(const meta::ObjectKey& pod, const json::Value& claim) {
    try {
      client_.create(PersistentVolumeClaim::kResource(), pod.ns, claim);
    } catch (const meta::StatusError& error) {
      if (!error.isAlreadyExists()) throw;
      queue_.addRateLimited(pod.text());  // ours, or another's: the informer will say which
    }
  }

  client::Client& client_;
  client::EventRecorder events_;
  client::Informer& pods_;
  client::Informer& claims_;
  client::Workqueue queue_{"ephemeral-volume-controller"};
  std::optional<client::ReconcileLoop> loop_;
};

}  // namespace

EphemeralClaims decideEphemeralClaims(const Pod& pod,
                                      const std::function<ObjectPtr(std::string_view name)>& findClaim) {
  EphemeralClaims out;
  if (!isActive(pod)) return out;
  for (const auto volume : pod.spec().volumes()) {
    if (!volume.hasEphemeral()) continue;
    const std::string name = meta::claimNameOf(*pod.object(), volume.tree());
    const ObjectPtr present = findClaim(name);
    if (!present) {
      out.toMake.push_back(claimOf(pod, volume, name));
    } else if (!meta::isMadeFor(*present, *pod.object())) {
      out.conflicts.push_back(
          fmt::format("ephemeral volume {}: {}", volume.name(), meta::notMadeFor(*present, *pod.object())));
    }
  }
  return out;
}

std::unique_ptr<Controller> makeEphemeralVolumeController(ControllerContext& context) {
  return std::make_unique<EphemeralVolumeController>(context);
}

}  // namespace wherry::controllers
