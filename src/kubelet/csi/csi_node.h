// What the API shows of this node's storage drivers: the CSINode object, and on the Node an annotation and labels.
// Pure.
#pragma once

#include <map>
#include <set>
#include <string>

#include "json/value.h"
#include "kubelet/csi/csi_messages.h"
#include "meta/object.h"

namespace wherry::kubelet {

struct CsiDriver {
  std::string socket;
  CsiNodeInfo info;
  std::set<CsiNodeAbility> abilities;
};
using CsiDriverMap = std::map<std::string, CsiDriver, std::less<>>;  // by name

// CSINode.spec.drivers.
json::Array renderDrivers(const CsiDriverMap& drivers);
// A new CSINode, which goes with its Node.
json::Value renderCsiNode(const meta::Object& node, const CsiDriverMap& drivers);
// A merge patch of the Node: the annotation csi.volume.kubernetes.io/nodeid, and labels that say where the node is, as
// its drivers see it. An empty object when it says so already.
json::Object nodePatch(const meta::Object& node, const CsiDriverMap& drivers);

// What is wrong with a plugin that wants to be registered; "" when nothing is.
std::string registrationError(const PluginInfo& plugin);

}  // namespace wherry::kubelet
