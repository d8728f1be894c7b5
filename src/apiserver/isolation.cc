#include "apiserver/isolation.h"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

namespace wherry::apiserver {
namespace {

// Subresources that change one place of an object, as a path; status is not among them.
struct Place {
  std::string_view resource;
  std::string_view subresource;
  std::string_view parent;
  std::string_view field;
};
constexpr std::array<Place, 3> kPlaces = {{
    {"pods", "ephemeralcontainers", "spec", "ephemeralContainers"},
    {"namespaces", "finalize", "spec", "finalizers"},
    {"certificatesigningrequests", "approval", "status", "conditions"},
}};

void copyField(json::Object& to, const json::Object& from, std::string_view key) {
  if (const auto* value = from.if_contains(key)) {
    to[key] = *value;
  } else {
    to.erase(key);
  }
}

const json::Object& objectAt(const json::Value& tree, std::string_view key) {
  static const json::Object kEmpty;
  const auto* found = tree.as_object().if_contains(key);
  return found && found->is_object() ? found->get_object() : kEmpty;
}

// `object` becomes `old` but for one field.
void isolatePlace(const Place& place, json::Value& object, const json::Value& old) {
  json::Value next = old;
  copyField(json::ensureObject(next.as_object(), place.parent), objectAt(object, place.parent), place.field);
  auto& metadata = json::ensureObject(next.as_object(), "metadata");
  copyField(metadata, objectAt(object, "metadata"), "resourceVersion");
  copyField(metadata, objectAt(object, "metadata"), "managedFields");
  object = std::move(next);
}

// Everything but status and metadata is the old object's. A custom resource's metadata is, too.
void isolateStatus(const schema::Kind& kind, json::Value& object, const json::Value& old) {
  json::Value next = old;
  copyField(next.as_object(), object.as_object(), "status");
  const auto& asked = objectAt(object, "metadata");
  if (kind.custom) {
    auto& metadata = json::ensureObject(next.as_object(), "metadata");
    copyField(metadata, asked, "managedFields");
    copyField(metadata, asked, "resourceVersion");
  } else {
    next.as_object()["metadata"] = asked;
    auto& metadata = json::ensureObject(next.as_object(), "metadata");
    copyField(metadata, objectAt(old, "metadata"), "ownerReferences");
    copyField(metadata, objectAt(old, "metadata"), "finalizers");
  }
  object = std::move(next);
}

// A node's first status may come with its registration.
bool keepsStatusOnCreate(const schema::Kind& kind) {
  return kind.resource.group.empty() && kind.resource.resource == "nodes";
}

const Place* findPlace(const schema::Kind& kind, std::string_view subresource) {
  auto found = std::find_if(kPlaces.begin(), kPlaces.end(), [&](const Place& place) {
    return place.resource == kind.resource.resource && place.subresource == subresource;
  });
  return found == kPlaces.end() ? nullptr : &*found;
}

}  // namespace

bool hasStatusSubresource(const schema::Kind& kind) { return kind.findSubresource("status") != nullptr; }

void resetStatus(const schema::Kind& kind, json::Value& object) {
  if (hasStatusSubresource(kind) && !keepsStatusOnCreate(kind)) object.as_object().erase("status");
}

std::optional<json::Value> withholdStatus(const schema::Kind& kind, json::Value& object) {
  auto* status = object.as_object().if_contains("status");
  if (!status || !hasStatusSubresource(kind) || keepsStatusOnCreate(kind)) return std::nullopt;
  std::optional<json::Value> taken(std::move(*status));
  object.as_object().erase("status");
  return taken;
}

void isolateUpdate(const schema::Kind& kind, std::string_view subresource, json::Value& object,
                   const json::Value& old) {
  if (const auto* place = findPlace(kind, subresource)) return isolatePlace(*place, object, old);
  if (subresource == "status") return isolateStatus(kind, object, old);
  if (hasStatusSubresource(kind)) copyField(object.as_object(), old.as_object(), "status");
}

void isolateApplied(const schema::Kind& kind, std::string_view subresource, json::Value& applied) {
  if (subresource.empty()) {
    if (hasStatusSubresource(kind)) applied.as_object().erase("status");
    return;
  }
  if (subresource != "status") return;
  std::vector<std::string> others;
  for (const auto& member : applied.as_object()) {
    auto key = std::string_view(member.key());
    bool kept = key == "status" || key == "metadata" || key == "apiVersion" || key == "kind";
    if (!kept) others.emplace_back(key);
  }
  for (const auto& key : others) applied.as_object().erase(key);
}

}  // namespace wherry::apiserver
