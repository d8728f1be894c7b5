#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "controllers/attach_detach.h"
#include "controllers/pod_state.h"
#include "meta/persistent_volumes.h"

namespace wherry::controllers {

namespace {

using core_v1::Node;
using core_v1::PersistentVolume;
using core_v1::Pod;
using storage_v1::VolumeAttachment;

json::Value attachmentOf(const PersistentVolume& volume, const std::string& node) {
  const auto source = volume.spec().csi();
  return json::Object{
      {"apiVersion", "storage.k8s.io/v1"},
      {"kind", "VolumeAttachment"},
      {"metadata", json::Object{{"name", meta::attachmentName(source.volumeHandle(), source.driver(), node)}}},
      {"spec", json::Object{{"attacher", source.driver()},
                            {"nodeName", node},
                            {"source", json::Object{{"persistentVolumeName", volume.metadata().name()}}}}}};
}

bool isUsedBy(const Node& node, const PersistentVolume& volume) {
  const auto source = volume.spec().csi();
  const auto wanted = meta::uniqueVolumeName(source.driver(), source.volumeHandle());
  for (const std::string_view name : node.status().volumesInUse()) {
    if (name == wanted) return true;
  }
  return false;
}

// Nodes may read it together, or all of them write.
bool isForManyNodes(const PersistentVolume& volume) {
  const auto modes = volume.spec().accessModes();
  for (const std::string_view mode : modes) {
    if (mode == "ReadWriteMany" || mode == "ReadOnlyMany") return true;
  }
  return modes.empty();
}

// The nodes whose pods want the volume, each with the first of these.
std::map<std::string, Pod> wantedNodes(const AttachmentView& view) {
  std::map<std::string, Pod> out;
  for (const Pod& pod : view.pods) {
    const bool wants = !isTerminal(pod) && !pod.spec().nodeName().empty();
    if (wants) out.emplace(std::string(pod.spec().nodeName()), pod);
  }
  return out;
}

bool needsAttachment(const AttachmentView& view) {
  return view.volume && view.volume.spec().hasCsi() && (!view.driver || view.driver.spec().attachRequiredOr(true));
}

bool nodeUses(const AttachmentView& view, std::string_view name) {
  return view.volume && std::any_of(view.nodes.begin(), view.nodes.end(), [&](const Node& node) {
           return node.metadata().name() == name && isUsedBy(node, view.volume);
         });
}

}  // namespace

AttachmentDecision decideAttachments(const AttachmentView& view) {
  AttachmentDecision out;
  const auto wanted = needsAttachment(view) ? wantedNodes(view) : std::map<std::string, Pod>();
  std::set<std::string> has;
  for (const VolumeAttachment& attachment : view.attachments) {
    const std::string node(attachment.spec().nodeName());
    has.insert(node);
    const bool stays = wanted.contains(node) || nodeUses(view, node);
    if (!stays && !attachment.metadata().deleting()) out.toRemove.emplace_back(attachment.metadata().name());
  }
  for (const auto& [node, pod] : wanted) {
    if (has.contains(node)) continue;
    if (!has.empty() && !isForManyNodes(view.volume)) {
      out.refused.emplace_back(pod, fmt::format("Multi-Attach error for volume \"{}\" Volume is already exclusively "
                                                "attached to one node and can't be attached to another",
                                                view.volume.metadata().name()));
      continue;
    }
    has.insert(node);
    out.toMake.push_back(attachmentOf(view.volume, node));
  }
  return out;
}

}  // namespace wherry::controllers
