#include <algorithm>

#include "client/workqueue.h"
#include "controllers/persistent_volume.h"
#include "controllers/pod_state.h"
#include "meta/finalizers.h"
#include "meta/persistent_volumes.h"

namespace wherry::controllers {

namespace {

using core_v1::PersistentVolume;
using core_v1::PersistentVolumeClaim;
using core_v1::Pod;
using meta::ObjectPtr;

constexpr std::string_view kByClaim = "claim";

std::vector<std::string> claimsIndex(const meta::Object& pod) {
  std::vector<std::string> keys;
  for (auto& name : meta::claimNamesOf(pod)) {
    keys.push_back(meta::ObjectKey{std::string(pod.metadata().ns()), std::move(name)}.text());
  }
  return keys;
}

class StorageProtectionController : public Controller {
 public:
  explicit StorageProtectionController(ControllerContext& context)
      : client_(context.client),
        claims_(context.informers.informer(PersistentVolumeClaim::kResource())),
        volumes_(context.informers.informer(PersistentVolume::kResource())),
        pods_(context.informers.informer(Pod::kResource())) {
    pods_.addIndex(std::string(kByClaim), claimsIndex);
    for (client::Informer* informer : {&claims_, &volumes_}) {
      informer->addHandler({.onChange =
                                [this](const ObjectPtr&, const ObjectPtr& after) {
                                  if (after && after->metadata().deleting()) queue_.add(after->key().text());
                                },
                            .onSynced = {},
                            .onRevision = {}});
    }
    pods_.addHandler({.onChange =
                          [this](const ObjectPtr& before, const ObjectPtr& after) {
                            if (after && !isTerminal(Pod(after))) return;
                            for (auto& claim : claimsIndex(after ? *after : *before)) queue_.add(claim);
                          },
                      .onSynced = {},
                      .onRevision = {}});
  }

  void start() override {
    loop_.emplace(
        queue_, [this](const std::string& key) { reconcile(meta::ObjectKey::parse(key)); }, 1u);
  }

 private:
  void reconcile(const meta::ObjectKey& key) {
    if (key.ns.empty()) {
      const PersistentVolume volume(volumes_.get(key));
      if (volume && volume.status().phase() != "Bound") release(volume, meta::kVolumeProtection);
      return;
    }
    const PersistentVolumeClaim claim(claims_.get(key));
    if (claim && !isUsed(key)) release(claim, meta::kClaimProtection);
  }

  bool isUsed(const meta::ObjectKey& key) const {
    const auto pods = pods_.byIndex(kByClaim, key.text());
    return std::any_of(pods.begin(), pods.end(), [](const ObjectPtr& pod) { return !isTerminal(Pod(pod)); });
  }

  template <typename View>
  void release(const View& object, std::string_view finalizer) {
    const auto metadata = object.metadata();
    if (!metadata.deleting() || !metadata.hasFinalizer(finalizer)) return;
    try {
      client_.patch(View::kResource(), metadata.ns(), metadata.name(), client::PatchType::kMerge,
                    meta::withoutFinalizer(*object.object(), finalizer));
    } catch (const meta::StatusError& error) {
      if (!error.isNotFound()) throw;
    }
  }

  client::Client& client_;
  client::Informer& claims_;
  client::Informer& volumes_;
  client::Informer& pods_;
  client::Workqueue queue_{"storage-protection-controller"};
  std::optional<client::ReconcileLoop> loop_;
};

}  // namespace

std::unique_ptr<Controller> makeStorageProtectionController(ControllerContext& context) {
  return std::make_unique<StorageProtectionController>(context);
}

}  // namespace wherry::controllers
