#include "controllers/attach_detach.h"

#include <algorithm>

#include <fmt/format.h>

#include "client/workqueue.h"
#include "controllers/informer_handlers.h"
#include "meta/persistent_volumes.h"

namespace wherry::controllers {

namespace {

using client::Severity;
using core_v1::Node;
using core_v1::PersistentVolume;
using core_v1::PersistentVolumeClaim;
using core_v1::Pod;
using meta::ObjectPtr;
using storage_v1::CSIDriver;
using storage_v1::VolumeAttachment;

constexpr std::string_view kByClaim = "claim", kByVolume = "volume", kByDriver = "driver";

std::vector<std::string> claimsIndex(const meta::Object& pod) {
  std::vector<std::string> keys;
  for (auto& name : meta::claimNamesOf(pod)) {
    keys.push_back(meta::ObjectKey{std::string(pod.metadata().ns()), std::move(name)}.text());
  }
  return keys;
}

std::vector<std::string> volumeIndex(const meta::Object& attachment) {
  return {std::string(json::getString(attachment.tree(), "spec.source.persistentVolumeName"))};
}

std::vector<std::string> driverIndex(const meta::Object& volume) {
  const auto driver = json::getString(volume.tree(), "spec.csi.driver");
  return driver.empty() ? std::vector<std::string>() : std::vector{std::string(driver)};
}

// The queue's keys are names of PersistentVolumes.
class AttachDetachController : public Controller {
 public:
  explicit AttachDetachController(ControllerContext& context)
      : client_(context.client),
        events_(context.events.forComponent("attachdetach-controller")),
        pods_(context.informers.informer(Pod::kResource())),
        claims_(context.informers.informer(PersistentVolumeClaim::kResource())),
        volumes_(context.informers.informer(PersistentVolume::kResource())),
        nodes_(context.informers.informer(Node::kResource())),
        drivers_(context.informers.informer(CSIDriver::kResource())),
        attachments_(context.informers.informer(VolumeAttachment::kResource())) {
    pods_.addIndex(std::string(kByClaim), claimsIndex);
    attachments_.addIndex(std::string(kByVolume), volumeIndex);
    volumes_.addIndex(std::string(kByDriver), driverIndex);
    pods_.addHandler(onLatest([this](const ObjectPtr& pod) {
      for (const auto& claim : meta::claimNamesOf(*pod)) addVolumeOf(claims_.get(pod->metadata().ns(), claim));
    }));
    claims_.addHandler(onLatest([this](const ObjectPtr& claim) { addVolumeOf(claim); }));
    volumes_.addHandler(onLatest([this](const ObjectPtr& volume) { add(PersistentVolume(volume)); }));
    drivers_.addHandler(onLatest([this](const ObjectPtr& driver) {
      for (const auto& volume : volumes_.byIndex(kByDriver, driver->metadata().name())) add(PersistentVolume(volume));
    }));
    nodes_.addHandler(onEither([this](const meta::Object& node) { nodeChanged(node); }));
    attachments_.addHandler(
        {.onChange = [this](const ObjectPtr& before, const ObjectPtr& after) { attachmentChanged(before, after); },
         .onSynced = {},
         .onRevision = {}});
  }

  void start() override {
    loop_.emplace(
        queue_, [this](const std::string& volume) { reconcile(volume); }, 1u);
  }

 private:
  // -- the informers' thread ---------------------------------------------------------------------------------------

  void add(const PersistentVolume& volume) {
    if (volume.spec().hasCsi()) queue_.add(std::string(volume.metadata().name()));
  }

  void addVolumeOf(const ObjectPtr& claim) {
    if (claim) add(PersistentVolume(volumes_.get("", PersistentVolumeClaim(claim).spec().volumeName())));
  }

  void nodeChanged(const meta::Object& node) {
    for (const auto& object : attachments_.list()) {
      const VolumeAttachment attachment(object);
      if (attachment.spec().nodeName() != node.metadata().name()) continue;
      queue_.add(std::string(attachment.spec().source().persistentVolumeName()));
    }
  }

  void attachmentChanged(const ObjectPtr& before, const ObjectPtr& after) {
    const VolumeAttachment was(before), is(after);
    const auto volume = (after ? is : was).spec().source().persistentVolumeName();
    if (!volume.empty()) queue_.add(std::string(volume));
    if (!after) return;
    const bool attached = is.status().attached() && !(was && was.status().attached());
    if (attached)
      tell(is, Severity::kNormal, "SuccessfulAttachVolume", "AttachVolume.Attach succeeded for volume \"{}\"");
    const auto error = is.status().attachError().message();
    if (error.empty() || (was && was.status().attachError().message() == error)) return;
    tell(is, Severity::kWarning, "FailedAttachVolume", "AttachVolume.Attach failed for volume \"{}\" : {}");
  }

  void tell(const VolumeAttachment& attachment, Severity severity, const char* reason, const char* text) {
    const PersistentVolume volume(volumes_.get("", attachment.spec().source().persistentVolumeName()));
    const auto message = fmt::format(fmt::runtime(text), attachment.spec().source().persistentVolumeName(),
                                     attachment.status().attachError().message());
    for (const Pod& pod : podsOf(volume)) {
      if (pod.spec().nodeName() == attachment.spec().nodeName()) {
        events_.record(*pod.object(), severity, reason, message);
      }
    }
  }

  // -- both ----------------------------------------------------------------------------------------------------------

  std::vector<Pod> podsOf(const PersistentVolume& volume) const {
    std::vector<Pod> out;
    const auto reference = volume.spec().claimRef();
    if (!reference) return out;
    const meta::ObjectKey key{std::string(reference.namespace_()), std::string(reference.name())};
    for (const auto& object : pods_.byIndex(kByClaim, key.text())) {
      const Pod pod(object);
      if (!pod.spec().nodeName().empty()) out.push_back(pod);
    }
    return out;
  }

  // -- the worker's thread -------------------------------------------------------------------------------------------

  AttachmentView viewOf(const std::string& name) const {
    AttachmentView view{
        .volume = PersistentVolume(volumes_.get("", name)), .driver = {}, .pods = {}, .nodes = {}, .attachments = {}};
    for (const auto& object : attachments_.byIndex(kByVolume, name)) view.attachments.emplace_back(object);
    if (!view.volume) return view;
    view.driver = CSIDriver(drivers_.get("", view.volume.spec().csi().driver()));
    view.pods = podsOf(view.volume);
    for (const auto& attachment : view.attachments) {
      if (auto node = nodes_.get("", attachment.spec().nodeName())) view.nodes.emplace_back(node);
    }
    return view;
  }

  void reconcile(const std::string& name) {
    const auto decision = decideAttachments(viewOf(name));
    for (const auto& [pod, why] : decision.refused) {
      events_.record(*pod.object(), Severity::kWarning, "FailedAttachVolume", why);
    }
    for (const std::string& attachment : decision.toRemove) remove(attachment);
    for (const json::Value& attachment : decision.toMake) make(attachment);
  }

  void make(const json::Value& attachment) {
    try {
      client_.create(VolumeAttachment::kResource(), "", attachment);
    } catch (const meta::StatusError& error) {
      if (!error.isAlreadyExists()) throw;
    }
  }

  void remove(const std::string& name) {
    try {
      client_.remove(VolumeAttachment::kResource(), "", name, {});
    } catch (const meta::StatusError& error) {
      if (!error.isNotFound()) throw;
    }
  }

  client::Client& client_;
  client::EventRecorder events_;
  client::Informer& pods_;
  client::Informer& claims_;
  client::Informer& volumes_;
  client::Informer& nodes_;
  client::Informer& drivers_;
  client::Informer& attachments_;
  client::Workqueue queue_{"attachdetach-controller"};
  std::optional<client::ReconcileLoop> loop_;
};

}  // namespace

std::unique_ptr<Controller> makeAttachDetachController(ControllerContext& context) {
  return std::make_unique<AttachDetachController>(context);
}

}  // namespace wherry::controllers
