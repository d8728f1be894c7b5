// CustomResourceDefinitions: names that follow from others, and what a definition must say before its kind can be
// served.
#include <fmt/format.h>

#include "apiserver/admission/hooks.h"
#include "base/strings.h"
#include "meta/names.h"

namespace wherry::apiserver {
namespace {

const json::Array& versionsOf(const json::Value& object) {
  static const json::Array kNone;
  const auto* versions = json::find(object, "spec.versions");
  return versions && versions->is_array() ? versions->get_array() : kNone;
}

void checkNames(const json::Value& object, meta::FieldErrors& errors) {
  auto group = json::getString(object, "spec.group");
  auto plural = json::getString(object, "spec.names.plural");
  auto wanted = fmt::format("{}.{}", plural, group);
  if (json::getString(object, "metadata.name") != wanted) {
    errors.push_back(meta::invalidField("metadata.name", json::Value(json::getString(object, "metadata.name")),
                                        "must be spec.names.plural+\".\"+spec.group"));
  }
  for (const auto& reason : meta::checkDns1035Label(plural)) {
    errors.push_back(meta::invalidField("spec.names.plural", json::Value(plural), reason));
  }
  auto kind = json::getString(object, "spec.names.kind");
  for (const auto& reason : meta::checkDns1035Label(base::toLower(kind))) {
    errors.push_back(meta::invalidField("spec.names.kind", json::Value(kind), reason));
  }
}

void checkStorageVersion(const json::Value& object, meta::FieldErrors& errors) {
  int stored = 0;
  for (const auto& version : versionsOf(object)) stored += json::getBool(version, "storage") ? 1 : 0;
  if (stored != 1) {
    errors.push_back(meta::invalidField("spec.versions", json::Value(json::Array()),
                                        "must have exactly one version marked as storage version"));
  }
}

// Upstream names a schema that all versions share by the place where it stood before versions had their own.
void checkSchemas(const json::Value& object, meta::FieldErrors& errors) {
  const auto& versions = versionsOf(object);
  for (size_t i = 0; i < versions.size(); ++i) {
    auto own = fmt::format("spec.versions[{}].schema.openAPIV3Schema", i);
    auto place = versions.size() == 1 ? std::string("spec.validation.openAPIV3Schema") : own;
    const auto* schema = json::find(versions[i], "schema.openAPIV3Schema");
    if (!schema) {
      errors.push_back(meta::requiredField(own, "schemas are required"));
      continue;
    }
    auto type = json::getString(*schema, "type");
    if (type.empty()) {
      errors.push_back(meta::requiredField(place + ".type", "must not be empty at the root"));
    } else if (type != "object") {
      errors.push_back(meta::invalidField(place + ".type", json::Value(type), "must be object at the root"));
    }
  }
}

void setIfMissing(json::Object& names, std::string_view key, const std::string& value) {
  if (!names.contains(key)) names[key] = value;
}

}  // namespace

void prepareCustomResourceDefinition(AdmissionRequest& request) {
  if (request.operation == Operation::kDelete || !request.subresource.empty()) return;
  auto* spec = request.object.as_object().if_contains("spec");
  if (!spec || !spec->is_object()) return;
  auto& names = json::ensureObject(spec->get_object(), "names");
  std::string kind(json::getString(request.object, "spec.names.kind"));
  setIfMissing(names, "singular", base::toLower(kind));
  setIfMissing(names, "listKind", kind + "List");
}

void validateCustomResourceDefinition(const AdmissionRequest& request, meta::FieldErrors& errors) {
  if (request.operation == Operation::kDelete || !request.subresource.empty()) return;
  checkNames(request.object, errors);
  checkStorageVersion(request.object, errors);
  checkSchemas(request.object, errors);
}

}  // namespace wherry::apiserver
