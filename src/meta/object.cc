#include "meta/object.h"

#include <algorithm>

#include "base/strings.h"

namespace wherry::meta {
namespace {

const json::Object& emptyObject() {
  static const json::Object kEmpty;
  return kEmpty;
}

const json::Array& emptyArray() {
  static const json::Array kEmpty;
  return kEmpty;
}

const json::Object* findObject(const json::Object& parent, std::string_view key) {
  const json::Value* value = parent.if_contains(key);
  return value == nullptr ? nullptr : value->if_object();
}

std::string_view textOf(const json::Object& parent, std::string_view key) {
  const json::Value* value = parent.if_contains(key);
  return value != nullptr && value->is_string() ? std::string_view(value->get_string()) : std::string_view();
}

}  // namespace

Metadata::Metadata(const json::Value& object) : metadata_(&emptyObject()) {
  const json::Object* members = object.if_object();
  if (members == nullptr) return;
  if (const json::Object* metadata = findObject(*members, "metadata")) metadata_ = metadata;
}

int64_t Metadata::generation() const {
  const json::Value* value = metadata_->if_contains("generation");
  return value != nullptr && value->is_int64() ? value->get_int64() : 0;
}

int64_t Metadata::deletionGracePeriodSeconds() const {
  const json::Value* value = metadata_->if_contains("deletionGracePeriodSeconds");
  return value != nullptr && value->is_int64() ? value->get_int64() : 0;
}

std::string_view Metadata::label(std::string_view key) const { return textOf(labels(), key); }

std::string_view Metadata::annotation(std::string_view key) const { return textOf(annotations(), key); }

bool Metadata::hasFinalizer(std::string_view finalizer) const {
  const json::Array& all = finalizers();
  return std::any_of(all.begin(), all.end(), [&](const json::Value& value) {
    return value.is_string() && std::string_view(value.get_string()) == finalizer;
  });
}

const json::Object* Metadata::controllerRef() const {
  for (const json::Value& reference : ownerReferences()) {
    if (json::getBool(reference, "controller")) return reference.if_object();
  }
  return nullptr;
}

std::string_view Metadata::text(std::string_view key) const { return textOf(*metadata_, key); }

const json::Object& Metadata::object(std::string_view key) const {
  const json::Object* found = findObject(*metadata_, key);
  return found == nullptr ? emptyObject() : *found;
}

const json::Array& Metadata::array(std::string_view key) const {
  const json::Value* value = metadata_->if_contains(key);
  return value != nullptr && value->is_array() ? value->get_array() : emptyArray();
}

Object::Object(json::Value tree) : tree_(std::move(tree)) {}

ObjectKey Object::key() const {
  Metadata data = metadata();
  return {std::string(data.ns()), std::string(data.name())};
}

int64_t Object::revision() const { return base::parseInt<int64_t>(metadata().resourceVersion()).value_or(0); }

json::Object& mutableMetadata(json::Value& draft) { return json::ensureObject(draft.as_object(), "metadata"); }

json::Object controllerReference(const Object& owner) {
  Metadata metadata = owner.metadata();
  return {{"apiVersion", owner.apiVersion()},
          {"kind", owner.kind()},
          {"name", metadata.name()},
          {"uid", metadata.uid()},
          {"controller", true},
          {"blockOwnerDeletion", true}};
}

}  // namespace wherry::meta
