// The attach/detach controller: says by VolumeAttachment objects which volumes of storage drivers are to be attached to
// which nodes; the drivers' own attachers do it and say so in the objects' status.
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "controllers/controller.h"
#include "json/value.h"
#include "views/core_v1.h"
#include "views/storage_v1.h"

namespace wherry::controllers {

std::unique_ptr<Controller> makeAttachDetachController(ControllerContext& context);

// -- pure ----------------------------------------------------------------------------------------------------------

// Everything about one PersistentVolume.
struct AttachmentView {
  core_v1::PersistentVolume volume{};
  storage_v1::CSIDriver driver{};                           // may be missing: attachment is required then
  std::vector<core_v1::Pod> pods{};                         // those that use its claim and have a node
  std::vector<core_v1::Node> nodes{};                       // of these pods and of the attachments
  std::vector<storage_v1::VolumeAttachment> attachments{};  // that there are
};

struct AttachmentDecision {
  std::vector<json::Value> toMake;
  std::vector<std::string> toRemove;                          // names
  std::vector<std::pair<core_v1::Pod, std::string>> refused;  // why a pod's node doesn't get it, as an event says it
};

// A volume stays attached as long as a pod of the node uses it or the node says so (status.volumesInUse); one that is
// written by one node alone is not attached to a second.
AttachmentDecision decideAttachments(const AttachmentView& view);

}  // namespace wherry::controllers
