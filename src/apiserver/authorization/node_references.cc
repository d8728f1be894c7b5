#include "apiserver/authorization/node_references.h"

#include <array>
#include <functional>
#include <string_view>

namespace wherry::apiserver {
namespace {

using Names = std::vector<std::string>;

// Wherever in a volume or container an object of this key stands, the field names what is needed.
struct ReferenceField {
  std::string_view key;
  std::string_view field;
  Names PodReferences::*names;
};
constexpr std::array<ReferenceField, 10> kReferenceFields = {{
    {"secretKeyRef", "name", &PodReferences::secrets},
    {"secretRef", "name", &PodReferences::secrets},
    {"nodePublishSecretRef", "name", &PodReferences::secrets},
    {"secret", "secretName", &PodReferences::secrets},  // a volume
    {"secret", "name", &PodReferences::secrets},        // a part of a projected one
    {"azureFile", "secretName", &PodReferences::secrets},
    {"configMapKeyRef", "name", &PodReferences::configMaps},
    {"configMapRef", "name", &PodReferences::configMaps},
    {"configMap", "name", &PodReferences::configMaps},
    {"persistentVolumeClaim", "claimName", &PodReferences::claims},
}};

void addName(Names& names, std::string_view name) {
  if (!name.empty()) names.emplace_back(name);
}

// Offers every object below `value` with the key it stands under.
void forEachObject(const json::Value& value, std::string_view key,
                   const std::function<void(std::string_view key, const json::Object&)>& visit) {
  if (value.is_array()) {
    for (const auto& item : value.get_array()) forEachObject(item, key, visit);
  } else if (value.is_object()) {
    visit(key, value.get_object());
    for (const auto& member : value.get_object()) forEachObject(member.value(), member.key(), visit);
  }
}

void addReferences(const json::Value& part, PodReferences& references) {
  forEachObject(part, {}, [&](std::string_view key, const json::Object& object) {
    for (const auto& each : kReferenceFields) {
      if (each.key == key) addName(references.*each.names, json::getString(object, each.field));
    }
  });
}

template <typename F>
void forEachItem(const json::Value& pod, std::string_view path, F&& f) {
  const auto* list = json::find(pod, path);
  if (!list || !list->is_array()) return;
  for (const auto& item : list->get_array()) f(item);
}

}  // namespace

PodReferences readPodReferences(const json::Value& pod) {
  auto text = [&](std::string_view path) { return std::string(json::getString(pod, path)); };
  PodReferences references{
      .node = text("spec.nodeName"), .ns = text("metadata.namespace"), .name = text("metadata.name")};
  const auto* annotations = json::find(pod, "metadata.annotations");
  if (annotations && annotations->is_object() && annotations->get_object().contains("kubernetes.io/config.mirror")) {
    return references;
  }
  references.serviceAccount = text("spec.serviceAccountName");
  for (auto list : {"spec.initContainers", "spec.containers", "spec.ephemeralContainers", "spec.volumes"}) {
    forEachItem(pod, list, [&](const auto& item) { addReferences(item, references); });
  }
  forEachItem(pod, "spec.imagePullSecrets",
              [&](const auto& item) { addName(references.secrets, json::getString(item, "name")); });
  forEachItem(pod, "spec.volumes", [&](const auto& item) {
    if (json::find(item, "ephemeral")) {
      addName(references.claims, references.name + "-" + std::string(json::getString(item, "name")));
    }
  });
  for (auto list : {"spec.resourceClaims", "status.resourceClaimStatuses"}) {
    forEachItem(pod, list, [&](const auto& item) {
      addName(references.resourceClaims, json::getString(item, "resourceClaimName"));
    });
  }
  return references;
}

std::vector<SecretReference> readVolumeSecrets(const json::Value& persistentVolume) {
  std::vector<SecretReference> secrets;
  const auto* spec = json::find(persistentVolume, "spec");
  if (!spec) return secrets;
  auto add = [&](std::string_view ns, std::string_view name) {
    if (!name.empty()) secrets.push_back({std::string(ns), std::string(name)});
  };
  forEachObject(*spec, {}, [&](std::string_view key, const json::Object& object) {
    if (key.ends_with("SecretRef") || key == "secretRef") {
      add(json::getString(object, "namespace"), json::getString(object, "name"));
    }
    if (key == "azureFile") add(json::getString(object, "secretNamespace"), json::getString(object, "secretName"));
  });
  return secrets;
}

}  // namespace wherry::apiserver
