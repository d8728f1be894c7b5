#include "apiserver/custom_kinds.h"

#include <algorithm>

#include "apiserver/object_meta.h"
#include "base/log.h"
#include "meta/status.h"
#include "schema/registry.h"

namespace wherry::apiserver {
namespace {

constexpr std::string_view kCleanupFinalizer = "customresourcecleanup.apiextensions.k8s.io";

constexpr std::string_view kBuiltinMessage =
    "the kind is built in and served as such: the schemas and versions of this definition have no effect";

const meta::Resource& definitionResource() {
  static const meta::Resource kResource{"apiextensions.k8s.io", "v1", "customresourcedefinitions",
                                        "CustomResourceDefinition", meta::Scope::kCluster};
  return kResource;
}

const base::Log& log() {
  static const base::Log kLog("apiserver");
  return kLog;
}

bool hasCondition(const json::Value& definition, std::string_view type) {
  const auto* conditions = json::find(definition, "status.conditions");
  if (!conditions || !conditions->is_array()) return false;
  const auto& list = conditions->get_array();
  return std::any_of(list.begin(), list.end(), [&](const auto& condition) {
    return json::getString(condition, "type") == type && json::getString(condition, "status") == "True";
  });
}

json::Object condition(std::string_view type, std::string_view reason, std::string_view message,
                       const std::string& now) {
  return {{"type", type}, {"status", "True"}, {"lastTransitionTime", now}, {"reason", reason}, {"message", message}};
}

std::string storageVersionOf(const json::Value& definition) {
  const auto* versions = json::find(definition, "spec.versions");
  if (!versions || !versions->is_array()) return {};
  for (const auto& version : versions->get_array()) {
    if (json::getBool(version, "storage")) return std::string(json::getString(version, "name"));
  }
  return {};
}

json::Array storedVersions(const json::Value& definition) {
  json::Array versions;
  if (const auto* known = json::find(definition, "status.storedVersions"); known && known->is_array()) {
    versions = known->get_array();
  }
  json::Value current(storageVersionOf(definition));
  if (std::find(versions.begin(), versions.end(), current) == versions.end()) versions.push_back(std::move(current));
  return versions;
}

meta::Resource customResource(const json::Value& definition, std::string_view version) {
  auto text = [&](std::string_view path) { return std::string(json::getString(definition, path)); };
  bool namespaced = text("spec.scope") == "Namespaced";
  return {text("spec.group"), std::string(version), text("spec.names.plural"), text("spec.names.kind"),
          namespaced ? meta::Scope::kNamespaced : meta::Scope::kCluster};
}

}  // namespace

std::optional<json::Value> establishedStatus(const json::Value& definition, Schema schema, const std::string& now) {
  const auto* names = json::find(definition, "spec.names");
  const auto* accepted = json::find(definition, "status.acceptedNames");
  bool settled = names && accepted && json::equal(*names, *accepted) && hasCondition(definition, "Established");
  const auto* known = json::find(definition, "status.storedVersions");
  auto versions = storedVersions(definition);
  if (settled && known && json::equal(*known, json::Value(versions))) return std::nullopt;
  json::Object status;
  status["conditions"] =
      json::Array{schema == Schema::kDefined ? condition("NamesAccepted", "NoConflicts", "no conflicts found", now)
                                             : condition("NamesAccepted", "BuiltIn", kBuiltinMessage, now),
                  condition("Established", "InitialNamesAccepted", "the initial names have been accepted", now)};
  status["acceptedNames"] = names ? *names : json::Value(json::Object());
  status["storedVersions"] = std::move(versions);
  json::Value next = definition;
  next.as_object()["status"] = std::move(status);
  return next;
}

bool awaitsCleanup(const json::Value& definition) {
  const auto* finalizers = json::find(definition, "metadata.finalizers");
  if (json::getString(definition, "metadata.deletionTimestamp").empty() || !finalizers || !finalizers->is_array()) {
    return false;
  }
  const auto& list = finalizers->get_array();
  return std::find(list.begin(), list.end(), json::Value(kCleanupFinalizer)) != list.end();
}

schema::RegistryPtr CustomKinds::load() {
  definitions_ = client_.list(definitionResource(), "").items;
  std::vector<json::Value> trees;
  for (const auto& definition : definitions_) trees.push_back(definition->tree());
  return trees.empty() ? builtin_ : schema::withCustomKinds(builtin_, trees);
}

std::vector<meta::Resource> CustomKinds::settle(const std::string& now) {
  std::vector<meta::Resource> left;
  for (const auto& definition : definitions_) {
    try {
      if (awaitsCleanup(definition->tree())) {
        if (!cleanUp(definition)) {
          left.push_back(customResource(definition->tree(), storageVersionOf(definition->tree())));
        }
      } else if (!definition->metadata().deleting()) {
        establish(definition, now);
      }
    } catch (const meta::StatusError& error) {
      // A conflict or a deletion came between: the watch tells of it, and this is done again.
      log().debug("custom resource definition {}: {}", definition->metadata().name(), error.message());
    }
  }
  return left;
}

Schema CustomKinds::schemaOf(const json::Value& definition) const {
  const auto resource = customResource(definition, {}).groupResource();
  return schema::hasResource(*builtin_, resource) ? Schema::kBuiltin : Schema::kDefined;
}

void CustomKinds::establish(const meta::ObjectPtr& definition, const std::string& now) {
  auto next = establishedStatus(definition->tree(), schemaOf(definition->tree()), now);
  if (next) client_.update(definitionResource(), "", *next, {"status", "", false});
}

// True when some are left, held by finalizers.
bool CustomKinds::removeObjects(const json::Value& definition) {
  auto resource = customResource(definition, storageVersionOf(definition));
  bool left = false;
  try {
    for (const auto& object : client_.list(resource, "").items) {
      left = left || !object->metadata().finalizers().empty();
      client_.remove(resource, object->metadata().ns(), object->metadata().name());
    }
  } catch (const meta::StatusError& error) {
    if (!error.isNotFound()) throw;  // a definition whose kind was never served has no objects
  }
  return left;
}

bool CustomKinds::cleanUp(const meta::ObjectPtr& definition) {
  // What is built in doesn't go with a definition of it, nor do its objects.
  if (schemaOf(definition->tree()) == Schema::kDefined && removeObjects(definition->tree())) return false;
  json::Value next = definition->tree();
  auto& finalizers = json::ensureArray(requireMetadata(next), "finalizers");
  auto found = std::find(finalizers.begin(), finalizers.end(), json::Value(kCleanupFinalizer));
  if (found != finalizers.end()) finalizers.erase(found);
  client_.update(definitionResource(), "", next);
  return true;
}

}  // namespace wherry::apiserver
