// Static pods: what a file says, and what the API is shown of it. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "json/value.h"
#include "meta/object.h"

namespace wherry::kubelet {

inline constexpr std::string_view kConfigHash = "kubernetes.io/config.hash";
inline constexpr std::string_view kConfigMirror = "kubernetes.io/config.mirror";
inline constexpr std::string_view kConfigSeen = "kubernetes.io/config.seen";
inline constexpr std::string_view kConfigSource = "kubernetes.io/config.source";

// A pod as the kubelet runs it: named after the node, with the uid that it has on this node. The uid is made of the
// file's name and the pod: another pod is another uid, the same pod has the same one after a restart.
struct StaticManifest {
  std::string uid;
  meta::ObjectKey key;
  json::Value pod;
};

// Throws std::invalid_argument that says what is wrong: not one Pod, no name, or it needs other objects of the API.
StaticManifest readStaticManifest(std::string_view text, std::string_view path, std::string_view node);

// What of the API shows a static pod. `node` is the Node, its owner.
json::Value mirrorPod(const StaticManifest& manifest, const meta::Object& node, base::WallTime seen);

// One static pod's state on this node.
struct StaticPod {
  std::optional<StaticManifest> wanted;   // as the file says; nothing once it is gone
  std::optional<StaticManifest> running;  // what there is; when it isn't what is wanted, it ends first
  std::optional<json::Value> made;        // the spec that the API made of it; unknown after a restart
  bool ends() const { return running && (!wanted || wanted->uid != running->uid); }
};

// A mirror that somebody changed is none: the pod is as its file says, and the API fills in what that leaves out.
bool isMirrorOf(const StaticPod& pod, const meta::Object& mirror);

// What is to be done to the object that the API has under the pod's name.
enum class MirrorAction {
  kNone,
  kCreate,
  kDelete,  // at once: it is none, it is another's, or somebody asked for its end, which is no end of the pod's
  kEnd      // with the pod's grace period, while the pod ends
};
// `mirror`: a mirror pod, or null.
MirrorAction decideMirror(const StaticPod& pod, const meta::Object* mirror);

// The pod that a mirror shows: with the uid that it has on the node, and living on, whoever deletes the mirror.
meta::ObjectPtr podShownBy(const meta::Object& mirror, std::string_view uid);

}  // namespace wherry::kubelet
