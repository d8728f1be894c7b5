// An API object as components hold it: an immutable tree with its metadata at hand.
//
// An Object never changes once made; ObjectPtr may be shared between threads freely. The typed views that the build
// generates from api/ (views/<group>_<version>.h) read the same tree: `core_v1::Pod pod(object);
// pod.spec().nodeName()`.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "json/value.h"
#include "meta/gvk.h"

namespace wherry::meta {

// Reads "metadata" of any object. Views the tree, owns nothing: valid as long as the tree is. Every accessor answers
// an empty value when the field is missing.
class Metadata {
 public:
  explicit Metadata(const json::Value& object);

  std::string_view name() const { return text("name"); }
  std::string_view generateName() const { return text("generateName"); }
  std::string_view ns() const { return text("namespace"); }
  std::string_view uid() const { return text("uid"); }
  std::string_view resourceVersion() const { return text("resourceVersion"); }
  std::string_view creationTimestamp() const { return text("creationTimestamp"); }
  std::string_view deletionTimestamp() const { return text("deletionTimestamp"); }
  bool deleting() const { return !deletionTimestamp().empty(); }
  int64_t generation() const;
  int64_t deletionGracePeriodSeconds() const;  // 0 when missing
  const json::Object& labels() const { return object("labels"); }
  const json::Object& annotations() const { return object("annotations"); }
  const json::Array& ownerReferences() const { return array("ownerReferences"); }
  const json::Array& finalizers() const { return array("finalizers"); }

  std::string_view label(std::string_view key) const;       // "" when missing
  std::string_view annotation(std::string_view key) const;  // "" when missing
  bool hasFinalizer(std::string_view finalizer) const;
  // The owner with controller: true; nullptr when there is none.
  const json::Object* controllerRef() const;

 private:
  std::string_view text(std::string_view key) const;
  const json::Object& object(std::string_view key) const;
  const json::Array& array(std::string_view key) const;

  const json::Object* metadata_;  // never null: an empty object stands in for a missing one
};

class Object {
 public:
  // REQUIRES: `tree` is a JSON object.
  explicit Object(json::Value tree);

  const json::Value& tree() const { return tree_; }
  Metadata metadata() const { return Metadata(tree_); }
  std::string_view apiVersion() const { return json::getString(tree_, "apiVersion"); }
  std::string_view kind() const { return json::getString(tree_, "kind"); }
  ObjectKey key() const;
  // metadata.resourceVersion as a number; 0 when missing.
  int64_t revision() const;

 private:
  json::Value tree_;
};

using ObjectPtr = std::shared_ptr<const Object>;

// The metadata of a draft, to be changed: made when missing.
json::Object& mutableMetadata(json::Value& draft);

// An entry for metadata.ownerReferences that makes `owner` the controller (controller and blockOwnerDeletion true).
json::Object controllerReference(const Object& owner);

}  // namespace wherry::meta
