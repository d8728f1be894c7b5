#include "kubelet/static/static_manifest.h"

#include <algorithm>
#include <stdexcept>

#include <fmt/format.h>

#include "base/encoding.h"
#include "base/strings.h"
#include "json/yaml.h"
#include "meta/time.h"
#include "views/core_v1.h"

namespace wherry::kubelet {

namespace {

// The kinds of volumes that are objects, or made of them.
constexpr std::pair<const char*, const char*> kObjectVolumes[] = {
    {"secret", "secrets"},
    {"configMap", "configmaps"},
    {"persistentVolumeClaim", "persistentvolumeclaims"},
    {"ephemeral", "persistentvolumeclaims"},
};
constexpr std::pair<const char*, const char*> kObjectSources[] = {
    {"secret", "secrets"},
    {"configMap", "configmaps"},
    {"serviceAccountToken", "serviceaccounts"},
    {"clusterTrustBundle", "clustertrustbundles"},
    {"podCertificate", "podcertificaterequests"},
};

// A resource of the API that the pod needs; "" for none.
std::string_view referenceOf(const core_v1::Container& container) {
  for (const auto from : container.envFrom()) {
    if (from.hasSecretRef()) return "secrets";
    if (from.hasConfigMapRef()) return "configmaps";
  }
  for (const auto variable : container.env()) {
    if (variable.valueFrom().hasSecretKeyRef()) return "secrets";
    if (variable.valueFrom().hasConfigMapKeyRef()) return "configmaps";
  }
  return {};
}

std::string_view referenceOf(const core_v1::Volume& volume) {
  for (const auto& [field, resource] : kObjectVolumes) {
    if (volume.has(field)) return resource;
  }
  if (!volume.csi().nodePublishSecretRef().name().empty()) return "secrets";
  for (const auto source : volume.projected().sources()) {
    for (const auto& [field, resource] : kObjectSources) {
      if (source.has(field)) return resource;
    }
  }
  return {};
}

std::string_view referenceOf(const core_v1::PodSpec& spec) {
  if (!spec.serviceAccountName().empty() || spec.has("serviceAccount")) return "serviceaccounts";
  if (!spec.imagePullSecrets().empty()) return "secrets";
  if (spec.has("resourceClaims")) return "resourceclaims";
  for (const auto& containers : {spec.initContainers(), spec.containers()}) {
    for (const auto container : containers) {
      if (const auto found = referenceOf(container); !found.empty()) return found;
    }
  }
  for (const auto volume : spec.volumes()) {
    if (const auto found = referenceOf(volume); !found.empty()) return found;
  }
  return {};
}

// In the form of a UUID, as all uids are.
std::string uidOfHash(std::string_view hex) {
  return fmt::format("{}-{}-{}-{}-{}", hex.substr(0, 8), hex.substr(8, 4), hex.substr(12, 4), hex.substr(16, 4),
                     hex.substr(20, 12));
}

void checkPod(const json::Value& pod) {
  const auto require = [](bool good, const std::string& what) {
    if (!good) throw std::invalid_argument(what);
  };
  require(pod.is_object() && json::getString(pod, "kind") == "Pod" && json::getString(pod, "apiVersion") == "v1",
          "it is not a Pod of v1");
  require(!json::getString(pod, "metadata.name").empty(), "metadata.name: Required value");
  const auto* spec = json::find(pod, "spec");
  require(spec && spec->is_object(), "spec: Required value");
  const auto reference = referenceOf(core_v1::PodSpec(spec));
  require(reference.empty(), fmt::format("static pods may not reference {}", reference));
}

// No NoExecute taint ends what the API did not begin.
void tolerateAll(json::Object& spec) {
  const json::Value all = json::Object{{"operator", "Exists"}, {"effect", "NoExecute"}};
  json::Array& tolerations = json::ensureArray(spec, "tolerations");
  if (std::find(tolerations.begin(), tolerations.end(), all) == tolerations.end()) tolerations.push_back(all);
}

// The API fills in what a manifest leaves out, and nothing else.
bool isPartOf(const json::Value& part, const json::Value& whole) {
  if (part.is_object() && whole.is_object()) {
    return std::all_of(part.get_object().begin(), part.get_object().end(), [&](const auto& field) {
      const auto* other = whole.get_object().if_contains(field.key());
      return field.value().is_null() || (other && isPartOf(field.value(), *other));
    });
  }
  if (part.is_array() && whole.is_array()) {
    const auto &some = part.get_array(), &all = whole.get_array();
    return some.size() <= all.size() && std::equal(some.begin(), some.end(), all.begin(), isPartOf);
  }
  return json::equal(part, whole);
}

}  // namespace

StaticManifest readStaticManifest(std::string_view text, std::string_view path, std::string_view node) {
  StaticManifest manifest;
  try {
    manifest.pod = json::parseYaml(text);
  } catch (const json::ParseError& error) {
    throw std::invalid_argument(error.what());
  }
  checkPod(manifest.pod);
  const auto hashed = fmt::format("{}\n{}\n{}", node, path, json::serialize(manifest.pod));
  manifest.uid = uidOfHash(base::sha256Hex(hashed));
  json::Object& metadata = meta::mutableMetadata(manifest.pod);
  const auto ns = json::getString(metadata, "namespace");
  manifest.key = {ns.empty() ? "default" : std::string(ns),
                  fmt::format("{}-{}", json::getString(metadata, "name"), base::toLower(node))};
  metadata["name"] = manifest.key.name;
  metadata["namespace"] = manifest.key.ns;
  metadata["uid"] = manifest.uid;
  json::Object& annotations = json::ensureObject(metadata, "annotations");
  annotations[kConfigHash] = manifest.uid;
  annotations[kConfigSource] = "file";
  json::Object& spec = json::ensureObject(manifest.pod.as_object(), "spec");
  spec["nodeName"] = node;
  tolerateAll(spec);
  manifest.pod.as_object().erase("status");
  return manifest;
}

json::Value mirrorPod(const StaticManifest& manifest, const meta::Object& node, base::WallTime seen) {
  json::Value mirror = manifest.pod;
  json::Object& metadata = meta::mutableMetadata(mirror);
  metadata.erase("uid");
  json::Object& annotations = json::ensureObject(metadata, "annotations");
  annotations[kConfigMirror] = manifest.uid;
  annotations[kConfigSeen] = meta::formatMicroTime(seen);
  metadata["ownerReferences"] = json::Array{json::Object{{"apiVersion", "v1"},
                                                         {"kind", "Node"},
                                                         {"name", node.metadata().name()},
                                                         {"uid", node.metadata().uid()},
                                                         {"controller", true}}};
  return mirror;
}

bool isMirrorOf(const StaticPod& pod, const meta::Object& mirror) {
  if (!pod.running || mirror.metadata().annotation(kConfigMirror) != pod.running->uid) return false;
  const auto *wanted = json::find(pod.running->pod, "spec"), *is = json::find(mirror.tree(), "spec");
  if (!wanted || !is) return false;
  return pod.made ? json::equal(*pod.made, *is) : isPartOf(*wanted, *is);
}

MirrorAction decideMirror(const StaticPod& pod, const meta::Object* mirror) {
  if (!pod.running) return mirror ? MirrorAction::kDelete : MirrorAction::kNone;
  if (!mirror) return pod.ends() ? MirrorAction::kNone : MirrorAction::kCreate;
  if (!isMirrorOf(pod, *mirror)) return MirrorAction::kDelete;
  if (pod.ends()) return mirror->metadata().deleting() ? MirrorAction::kNone : MirrorAction::kEnd;
  return mirror->metadata().deleting() ? MirrorAction::kDelete : MirrorAction::kNone;
}

meta::ObjectPtr podShownBy(const meta::Object& mirror, std::string_view uid) {
  json::Value copy = mirror.tree();
  json::Object& metadata = meta::mutableMetadata(copy);
  metadata["uid"] = uid;
  metadata.erase("deletionTimestamp");
  metadata.erase("deletionGracePeriodSeconds");
  return std::make_shared<const meta::Object>(std::move(copy));
}

}  // namespace wherry::kubelet
