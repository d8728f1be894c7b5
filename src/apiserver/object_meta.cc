#include "apiserver/object_meta.h"

#include <array>

#include <fmt/format.h>

#include "meta/names.h"
#include "meta/object.h"

namespace wherry::apiserver {
namespace {

constexpr size_t kMaxGeneratedBase = 58;            // so that base and suffix make 63
constexpr size_t kMaxAnnotationBytes = 256 * 1024;  // keys and values together

const json::Value* field(const json::Object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  return value && !value->is_null() ? value : nullptr;
}

std::string_view text(const json::Object& object, std::string_view key) {
  const auto* value = field(object, key);
  return value && value->is_string() ? std::string_view(value->get_string()) : std::string_view();
}

const json::Array& list(const json::Object& object, std::string_view key) {
  static const json::Array kEmpty;
  const auto* value = field(object, key);
  return value && value->is_array() ? value->get_array() : kEmpty;
}

const json::Object& map(const json::Object& object, std::string_view key) {
  static const json::Object kEmpty;
  const auto* value = field(object, key);
  return value && value->is_object() ? value->get_object() : kEmpty;
}

std::vector<std::string> checkName(const schema::Kind& kind, std::string_view name) {
  if (kind.nameRule == "dns1123label") return meta::checkDns1123Label(name);
  if (kind.nameRule == "dns1035label") return meta::checkDns1035Label(name);
  if (kind.nameRule == "path") return meta::checkPathSegment(name);
  return meta::checkDns1123Subdomain(name);
}

void addAll(meta::FieldErrors& errors, const std::string& path, const json::Value& bad,
            const std::vector<std::string>& reasons) {
  for (const auto& reason : reasons) errors.push_back(meta::invalidField(path, bad, reason));
}

void validateNames(const schema::Kind& kind, const json::Object& metadata, meta::FieldErrors& errors) {
  if (auto base = text(metadata, "generateName"); !base.empty()) {
    std::string sample(base);
    if (sample.back() == '-' || sample.back() == '.') sample.back() = 'a';
    addAll(errors, "metadata.generateName", json::Value(base), checkName(kind, sample));
  }
  auto name = text(metadata, "name");
  if (name.empty()) {
    errors.push_back(meta::requiredField("metadata.name", "name or generateName is required"));
  } else {
    addAll(errors, "metadata.name", json::Value(name), checkName(kind, name));
  }
}

void validateLabels(const json::Object& metadata, meta::FieldErrors& errors) {
  for (const auto& member : map(metadata, "labels")) {
    addAll(errors, "metadata.labels", json::Value(member.key()), meta::checkQualifiedName(member.key()));
    if (!member.value().is_string()) continue;
    auto value = std::string_view(member.value().get_string());
    addAll(errors, "metadata.labels", member.value(), meta::checkLabelValue(value));
  }
}

void validateAnnotations(const json::Object& metadata, meta::FieldErrors& errors) {
  size_t bytes = 0;
  for (const auto& member : map(metadata, "annotations")) {
    std::string lower(member.key());  // annotation keys may have capitals where labels may not
    for (auto& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    addAll(errors, "metadata.annotations", json::Value(member.key()), meta::checkQualifiedName(lower));
    bytes += member.key().size() + (member.value().is_string() ? member.value().get_string().size() : 0);
  }
  if (bytes > kMaxAnnotationBytes) errors.push_back(meta::tooLongField("metadata.annotations", kMaxAnnotationBytes));
}

bool isStandardFinalizer(std::string_view name) {
  return name == "orphan" || name == "foregroundDeletion" || name == "kubernetes";
}

void validateFinalizers(const json::Object& metadata, meta::FieldErrors& errors) {
  size_t index = 0;
  for (const auto& each : list(metadata, "finalizers")) {
    auto path = fmt::format("metadata.finalizers[{}]", index++);
    if (!each.is_string()) continue;
    std::string_view name = each.get_string();
    auto reasons = meta::checkQualifiedName(name);
    addAll(errors, path, each, reasons);
    if (reasons.empty() && name.find('/') == std::string_view::npos && !isStandardFinalizer(name)) {
      errors.push_back(
          meta::invalidField(path, each, "name is neither a standard finalizer name nor is it fully qualified"));
    }
  }
}

void validateOwner(const json::Object& owner, meta::FieldErrors& errors) {
  for (auto key : {"apiVersion", "kind", "name", "uid"}) {
    if (!text(owner, key).empty()) continue;
    errors.push_back(meta::invalidField(fmt::format("metadata.ownerReferences.{}", key), json::Value(""),
                                        fmt::format("{} must not be empty", key)));
  }
}

void validateOwners(const json::Object& metadata, meta::FieldErrors& errors) {
  int controllers = 0;
  for (const auto& each : list(metadata, "ownerReferences")) {
    if (!each.is_object()) continue;
    validateOwner(each.get_object(), errors);
    const auto* controller = field(each.get_object(), "controller");
    if (controller && controller->is_bool() && controller->get_bool()) ++controllers;
  }
  if (controllers > 1) {
    errors.push_back(meta::invalidField("metadata.ownerReferences", *field(metadata, "ownerReferences"),
                                        "Only one reference can have Controller set to true. Found more than one"));
  }
}

void validateImmutable(const json::Object& metadata, const json::Object& old, meta::FieldErrors& errors) {
  for (auto key :
       {"name", "namespace", "uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds"}) {
    const auto* now = field(metadata, key);
    const auto* before = field(old, key);
    bool same = now && before ? json::equal(*now, *before) : now == before;
    if (!same) {
      errors.push_back(
          meta::invalidField(fmt::format("metadata.{}", key), now ? *now : json::Value(nullptr), "field is immutable"));
    }
  }
}

// Who is being deleted gets no new finalizers.
void validateNewFinalizers(const json::Object& metadata, const json::Object& old, meta::FieldErrors& errors) {
  if (!field(old, "deletionTimestamp")) return;
  const auto& before = list(old, "finalizers");
  for (const auto& each : list(metadata, "finalizers")) {
    bool known = std::any_of(before.begin(), before.end(), [&](const auto& other) { return other == each; });
    if (!known) {
      errors.push_back(
          meta::forbiddenField("metadata.finalizers",
                               "no new finalizers can be added if the object is being deleted, found new finalizers " +
                                   json::serialize(each)));
    }
  }
}

}  // namespace

json::Object& requireMetadata(json::Value& object) {
  auto& tree = object.as_object();
  auto* found = tree.if_contains("metadata");
  if (found && !found->is_object() && !found->is_null()) {
    throw meta::badRequest("json: cannot unmarshal metadata: it is not an object");
  }
  return json::ensureObject(tree, "metadata");
}

void matchNamespace(json::Value& object, std::string_view requestNamespace) {
  auto& metadata = requireMetadata(object);
  auto own = text(metadata, "namespace");
  if (own == requestNamespace) return;
  if (own.empty()) {
    metadata["namespace"] = requestNamespace;
  } else if (requestNamespace.empty()) {
    metadata.erase("namespace");
  } else {
    throw meta::badRequest("the namespace of the provided object does not match the namespace sent on the request");
  }
}

void matchName(const json::Value& object, std::string_view name) {
  auto own = json::getString(object, "metadata.name");
  if (own.empty()) {
    throw meta::badRequest(
        fmt::format("the name of the object ({} based on URL) was undeterminable: name must be provided", name));
  }
  if (own != name) {
    throw meta::badRequest(
        fmt::format("the name of the object ({}) does not match the name on the URL ({})", own, name));
  }
}

void stampCreated(json::Value& object, const Birth& birth) {
  auto& metadata = requireMetadata(object);
  if (!text(metadata, "resourceVersion").empty()) {
    throw meta::StatusError(500, "", "resourceVersion should not be set on objects to be created");
  }
  for (auto key : {"selfLink", "deletionTimestamp", "deletionGracePeriodSeconds", "generation", "resourceVersion"}) {
    metadata.erase(key);
  }
  auto base = text(metadata, "generateName");
  if (text(metadata, "name").empty() && !base.empty()) {
    metadata["name"] = std::string(base.substr(0, kMaxGeneratedBase)) + birth.suffix;
  }
  metadata["uid"] = birth.uid;
  metadata["creationTimestamp"] = birth.time;
}

void keepIdentity(json::Value& object, const json::Value& old) {
  auto& metadata = requireMetadata(object);
  const auto& before = old.as_object().at("metadata").as_object();
  for (auto key : {"namespace", "uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds"}) {
    const auto* kept = field(before, key);
    if (kept && !field(metadata, key)) metadata[key] = *kept;
    if (!kept && !field(metadata, key)) metadata.erase(key);
  }
  metadata.erase("selfLink");
  const auto* generation = field(before, "generation");
  if (generation) {
    metadata["generation"] = *generation;
  } else {
    metadata.erase("generation");
  }
}

meta::FieldErrors validateMetadata(const schema::Kind& kind, const json::Value& object, const json::Value* old) {
  meta::FieldErrors errors;
  const auto& metadata = object.as_object().at("metadata").as_object();
  if (old) {
    validateImmutable(metadata, old->as_object().at("metadata").as_object(), errors);
    validateNewFinalizers(metadata, old->as_object().at("metadata").as_object(), errors);
  } else {
    validateNames(kind, metadata, errors);
  }
  validateLabels(metadata, errors);
  validateAnnotations(metadata, errors);
  validateOwners(metadata, errors);
  validateFinalizers(metadata, errors);
  return errors;
}

void dropEmptyMetadata(json::Value& object) {
  auto& metadata = requireMetadata(object);
  for (auto key : {"labels", "annotations", "ownerReferences", "finalizers", "managedFields"}) {
    const auto* value = metadata.if_contains(key);
    bool empty = value && (value->is_null() || (value->is_object() && value->get_object().empty()) ||
                           (value->is_array() && value->get_array().empty()));
    if (empty) metadata.erase(key);
  }
}

}  // namespace wherry::apiserver
