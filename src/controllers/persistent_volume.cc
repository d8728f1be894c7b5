#include "controllers/persistent_volume.h"

#include <algorithm>

#include <fmt/format.h>

#include "client/own_writes.h"
#include "client/workqueue.h"
#include "controllers/informer_handlers.h"
#include "controllers/status_writer.h"
#include "meta/persistent_volumes.h"

namespace wherry::controllers {

namespace {

using client::Severity;
using core_v1::Node;
using core_v1::PersistentVolume;
using core_v1::PersistentVolumeClaim;
using meta::ObjectPtr;
using storage_v1::StorageClass;

constexpr std::string_view kByClass = "class";
// Keys in the queue: these in front of a claim's and a volume's, and one for the class that every cluster has.
constexpr std::string_view kClaim = "claim:", kVolume = "volume:", kDefaultClass = "class";

std::string keyOf(const PersistentVolumeClaim& claim) { return std::string(kClaim) + claim.key().text(); }
std::string keyOf(const PersistentVolume& volume) { return std::string(kVolume) + volume.key().text(); }

std::vector<std::string> classIndex(const meta::Object& object) {
  return {std::string(json::getString(object.tree(), "spec.storageClassName"))};
}

class PersistentVolumeController : public Controller {
 public:
  explicit PersistentVolumeController(ControllerContext& context)
      : client_(context.client),
        events_(context.events.forComponent("persistentvolume-controller")),
        directory_(context.localVolumeDirectory),
        claims_(context.informers.informer(PersistentVolumeClaim::kResource())),
        volumes_(context.informers.informer(PersistentVolume::kResource())),
        classes_(context.informers.informer(StorageClass::kResource())),
        nodes_(context.informers.informer(Node::kResource())) {
    claims_.addIndex(std::string(kByClass), classIndex);
    volumes_.addIndex(std::string(kByClass), classIndex);
    claims_.addHandler(onLatest([this](const ObjectPtr& claim) { claimChanged(PersistentVolumeClaim(claim)); }));
    volumes_.addHandler(onLatest([this](const ObjectPtr& volume) { volumeChanged(PersistentVolume(volume)); }));
    classes_.addHandler(onLatest([this](const ObjectPtr& one) { addWaiting(one->metadata().name()); }));
  }

  void start() override {
    queue_.add(std::string(kDefaultClass));
    loop_.emplace(
        queue_, [this](const std::string& key) { reconcile(key); }, 1u);  // one volume is for one claim
  }

 private:
  // -- the informers' thread ---------------------------------------------------------------------------------------

  void claimChanged(const PersistentVolumeClaim& claim) {
    queue_.add(keyOf(claim));
    const auto volume = claim.spec().volumeName();
    if (!volume.empty()) queue_.add(fmt::format("{}{}", kVolume, volume));
  }

  void volumeChanged(const PersistentVolume& volume) {
    queue_.add(keyOf(volume));
    if (const auto reference = volume.spec().claimRef()) {
      queue_.add(fmt::format("{}{}/{}", kClaim, reference.namespace_(), reference.name()));
    } else {
      addWaiting(volume.spec().storageClassName());
    }
  }

  void addWaiting(std::string_view storageClass) {
    for (const auto& object : claims_.byIndex(kByClass, storageClass)) {
      const PersistentVolumeClaim claim(object);
      if (claim.spec().volumeName().empty()) queue_.add(keyOf(claim));
    }
  }

  // -- the worker's thread -----------------------------------------------------------------------------------------

  // At every start there is a class that works, and it is the default, unless somebody has made another one that.
  void makeDefaultClass() {
    if (classes_.get("", "local-path")) return;
    const auto others = classes_.list();
    const bool taken = std::any_of(others.begin(), others.end(), [](const ObjectPtr& one) {
      return one->metadata().annotation("storageclass.kubernetes.io/is-default-class") == "true";
    });
    const json::Value wanted = json::Object{
        {"apiVersion", "storage.k8s.io/v1"},
        {"kind", "StorageClass"},
        {"metadata", json::Object{{"name", "local-path"},
                                  {"annotations", json::Object{{"storageclass.kubernetes.io/is-default-class",
                                                                taken ? "false" : "true"}}}}},
        {"provisioner", meta::kLocalProvisioner},
        {"reclaimPolicy", "Delete"},
        {"volumeBindingMode", "WaitForFirstConsumer"},
        {"allowVolumeExpansion", true}};
    try {
      client_.create(StorageClass::kResource(), "", wanted);
    } catch (const meta::StatusError& error) {
      if (!error.isAlreadyExists()) throw;
    }
  }

  void reconcile(const std::string& key) {
    if (key == kDefaultClass) return makeDefaultClass();
    // Its own last writes come as events, and those bring us back here.
    if (!claimWrites_.visible(key, claims_) || !volumeWrites_.visible(key, volumes_)) return;
    if (key.starts_with(kClaim)) return reconcileClaim(key, meta::ObjectKey::parse(key.substr(kClaim.size())));
    reconcileVolume(key, meta::ObjectKey::parse(key.substr(kVolume.size())));
  }

  void forget(const std::string& key) {
    claimWrites_.forget(key);
    volumeWrites_.forget(key);
  }

  void reconcileClaim(const std::string& key, const meta::ObjectKey& name) {
    const PersistentVolumeClaim claim(claims_.get(name));
    if (!claim) return forget(key);
    if (!claim.spec().volumeName().empty()) return keepBound(claim);
    if (claim.metadata().deleting()) return;
    const auto node = nodeOf(claim);
    const StorageClass storageClass(classes_.get("", claim.spec().storageClassName()));
    const bool waits = storageClass.volumeBindingMode() == "WaitForFirstConsumer";
    const auto chosen = waits && !node ? PersistentVolume() : choose(claim, node);
    if (chosen) return bind(claim, chosen);
    const auto waiting = decideWaiting(claim, storageClass);
    if (waiting.reason.empty()) return provision(claim, storageClass, node);
    const bool wrong = waiting.reason == "ProvisioningFailed";
    events_.record(*claim.object(), wrong ? Severity::kWarning : Severity::kNormal, waiting.reason, waiting.message);
    if (waiting.reason == "ExternalProvisioning" && nameProvisioner(claim, storageClass)) return;
    writeClaimStatus(claim, {{"phase", "Pending"}});
  }

  Node nodeOf(const PersistentVolumeClaim& claim) const {
    return Node(nodes_.get("", claim.metadata().annotation(meta::kSelectedNode)));
  }

  PersistentVolume choose(const PersistentVolumeClaim& claim, const Node& node) const {
    std::vector<PersistentVolume> volumes;
    for (const auto& volume : volumes_.byIndex(kByClass, claim.spec().storageClassName())) volumes.emplace_back(volume);
    return chooseVolume(claim, volumes, node ? &node : nullptr);
  }

  // Each of these writes at most once where the next one needs what came of it: the event brings us back.

  // The volume first: of two claims that want it one gets it.
  void bind(const PersistentVolumeClaim& claim, const PersistentVolume& volume) {
    claimVolume(claim, volume);
    patchClaim(
        claim,
        json::Object{
            {"metadata", json::Object{{"annotations", json::Object{{"pv.kubernetes.io/bind-completed", "yes"},
                                                                   {"pv.kubernetes.io/bound-by-controller", "yes"}}}}},
            {"spec", json::Object{{"volumeName", volume.metadata().name()}}}});
  }

  // False when the volume has the claim already.
  bool claimVolume(const PersistentVolumeClaim& claim, const PersistentVolume& volume) {
    if (volume.spec().claimRef() && volume.spec().claimRef().uid() == claim.metadata().uid()) return false;
    json::Object reference{{"apiVersion", "v1"},
                           {"kind", "PersistentVolumeClaim"},
                           {"namespace", claim.metadata().ns()},
                           {"name", claim.metadata().name()},
                           {"uid", claim.metadata().uid()}};
    json::Object metadata{{"resourceVersion", volume.metadata().resourceVersion()}};
    // A volume that the user kept for the claim stays kept when the claim has gone.
    if (!volume.spec().claimRef()) {
      metadata["annotations"] = json::Object{{"pv.kubernetes.io/bound-by-controller", "yes"}};
    }
    const json::Value patch =
        json::Object{{"metadata", std::move(metadata)}, {"spec", json::Object{{"claimRef", std::move(reference)}}}};
    const auto written =
        client_.patch(PersistentVolume::kResource(), "", volume.metadata().name(), client::PatchType::kMerge, patch);
    volumeWrites_.wrote(keyOf(claim), *written);
    return true;
  }

  void patchClaim(const PersistentVolumeClaim& claim, json::Object patch) {
    json::ensureObject(patch, "metadata")["uid"] = claim.metadata().uid();
    const auto written =
        client_.patch(PersistentVolumeClaim::kResource(), claim.metadata().ns(), claim.metadata().name(),
                      client::PatchType::kMerge, json::Value(std::move(patch)));
    claimWrites_.wrote(keyOf(claim), *written);
  }

  // A claim that names its volume: by us, or by its user, who may name one that isn't there or is another's.
  void keepBound(const PersistentVolumeClaim& claim) {
    const PersistentVolume volume(volumes_.get("", claim.spec().volumeName()));
    const auto reference = volume.spec().claimRef();
    const bool ours = volume && reference && reference.uid() == claim.metadata().uid();
    if (!ours && claim.status().phase() == "Bound") return writeClaimStatus(claim, {{"phase", "Lost"}});
    if (!volume) return writeClaimStatus(claim, {{"phase", "Pending"}});
    if (!ours && !fits(volume, claim)) {
      events_.record(*claim.object(), Severity::kWarning, "FailedBinding",
                     fmt::format("volume \"{}\" already bound to a different claim or does not match it.",
                                 volume.metadata().name()));
      return writeClaimStatus(claim, {{"phase", "Pending"}});
    }
    if (claimVolume(claim, volume)) return;
    if (auto size = decideGrowth(claim, volume)) return grow(claim, volume, *size);
    if (awaitsExpansion(claim, volume)) {
      events_.record(*claim.object(), Severity::kNormal, "ExternalExpanding",
                     "waiting for an external controller to expand this PVC");
    }
    writeClaimStatus(claim, boundStatus(claim, volume));
  }

  // A directory has no size of its own: the number is all there is to change. The volume's event brings the claim's.
  void grow(const PersistentVolumeClaim& claim, const PersistentVolume& volume, const std::string& size) {
    const json::Value patch =
        json::Object{{"metadata", json::Object{{"resourceVersion", volume.metadata().resourceVersion()}}},
                     {"spec", json::Object{{"capacity", json::Object{{"storage", size}}}}}};
    const auto written =
        client_.patch(PersistentVolume::kResource(), "", volume.metadata().name(), client::PatchType::kMerge, patch);
    volumeWrites_.wrote(keyOf(claim), *written);
    events_.record(*claim.object(), Severity::kNormal, "VolumeResizeSuccessful", "Resize volume succeeded");
  }

  void provision(const PersistentVolumeClaim& claim, const StorageClass& storageClass, Node node) {
    const auto all = nodes_.list();
    if (!node && !all.empty()) node = Node(all.front());  // class of mode Immediate: any node will do
    if (!node) return writeClaimStatus(claim, {{"phase", "Pending"}});
    const auto wanted = localVolume(claim, storageClass, node, directory_);
    try {
      volumeWrites_.wrote(keyOf(claim), *client_.create(PersistentVolume::kResource(), "", wanted));
    } catch (const meta::StatusError& error) {
      if (!error.isAlreadyExists()) throw;
    }
    events_.record(*claim.object(), Severity::kNormal, "ProvisioningSucceeded",
                   fmt::format("Successfully provisioned volume {}", json::getString(wanted, "metadata.name")));
  }

  // Which external provisioners wait for. False when the claim has it already.
  bool nameProvisioner(const PersistentVolumeClaim& claim, const StorageClass& storageClass) {
    constexpr const char* kNew = "volume.kubernetes.io/storage-provisioner";
    constexpr const char* kOld = "volume.beta.kubernetes.io/storage-provisioner";
    const auto provisioner = storageClass.provisioner();
    if (claim.metadata().annotation(kNew) == provisioner) return false;
    patchClaim(claim,
               json::Object{{"metadata",
                             json::Object{{"annotations", json::Object{{kNew, provisioner}, {kOld, provisioner}}}}}});
    return true;
  }

  void writeClaimStatus(const PersistentVolumeClaim& claim, const json::Object& fields) {
    json::Object status = claim.status().tree();
    for (const auto& field : fields) status[field.key()] = field.value();
    const auto written = applyStatus(client_, PersistentVolumeClaim::kResource(), *claim.object(), std::move(status));
    if (written) claimWrites_.wrote(keyOf(claim), *written);
  }

  void reconcileVolume(const std::string& key, const meta::ObjectKey& name) {
    const PersistentVolume volume(volumes_.get(name));
    if (!volume) return forget(key);
    const auto reference = volume.spec().claimRef();
    PersistentVolumeClaim claim;
    if (reference) claim = PersistentVolumeClaim(claims_.get(reference.namespace_(), reference.name()));
    if (claim && claim.metadata().uid() != reference.uid()) claim = PersistentVolumeClaim();
    const auto phase = decideVolumePhase(volume, claim);
    if (phase == "Available" && !volume.metadata().deleting()) addWaiting(volume.spec().storageClassName());
    json::Object status = volume.status().tree();
    status["phase"] = phase;
    const auto written = applyStatus(client_, PersistentVolume::kResource(), *volume.object(), std::move(status));
    if (written) return volumeWrites_.wrote(key, *written);
    const bool goes = phase == "Released" && volume.spec().persistentVolumeReclaimPolicy() == "Delete" &&
                      volume.metadata().annotation(meta::kProvisionedBy) == meta::kLocalProvisioner;
    if (goes && !volume.metadata().deleting()) removeVolume(key, volume);
  }

  void removeVolume(const std::string& key, const PersistentVolume& volume) {
    try {
      client_.remove(PersistentVolume::kResource(), "", volume.metadata().name(),
                     {.uid = std::string(volume.metadata().uid())});
      volumeWrites_.removed(key, *volume.object());
    } catch (const meta::StatusError& error) {
      if (!error.isNotFound()) throw;
    }
  }

  client::Client& client_;
  client::EventRecorder events_;
  const std::string directory_;
  client::Informer& claims_;
  client::Informer& volumes_;
  client::Informer& classes_;
  client::Informer& nodes_;
  client::OwnWrites claimWrites_;
  client::OwnWrites volumeWrites_;
  client::Workqueue queue_{"persistentvolume-controller"};
  std::optional<client::ReconcileLoop> loop_;
};

}  // namespace

std::unique_ptr<Controller> makePersistentVolumeController(ControllerContext& context) {
  return std::make_unique<PersistentVolumeController>(context);
}

}  // namespace wherry::controllers
