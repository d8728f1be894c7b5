// Kinds as data. Every built-in kind (api/<group>/<version>/*.yaml, embedded at build time) and every user's
// CustomResourceDefinition ends up as a Kind with a tree of Nodes, and everything else reads that one tree: discovery,
// OpenAPI, pruning, defaulting, validation, patches, apply, tables.
//
// A Registry is an immutable snapshot (published whole when CRDs change); Kinds and Nodes never change. Safe from any
// thread.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "json/value.h"
#include "meta/gvk.h"

namespace wherry::schema {

enum class Type { kAny, kString, kInteger, kNumber, kBoolean, kObject, kArray, kIntOrString };
enum class ListType { kAtomic, kSet, kMap };

// One place in an object: its type and rules. Shared structs are shared Nodes (a PodSpec is one Node wherever it
// stands), and a Node may contain itself (JSONSchemaProps), so walk along an object, never the schema alone.
struct Node {
  Type type = Type::kAny;
  std::string definition;  // the shared struct's name ("io.k8s.api.core.v1.PodSpec"); "" when anonymous
  std::string format;      // "int32", "date-time", "byte", ...
  std::string description;

  std::map<std::string, std::shared_ptr<const Node>, std::less<>> properties;
  std::vector<std::string> propertyOrder;            // as written in api/
  std::shared_ptr<const Node> additionalProperties;  // of a map; null when none are allowed
  std::shared_ptr<const Node> items;                 // of an array
  std::vector<std::string> required;

  std::optional<json::Value> defaultValue;
  std::vector<json::Value> enumValues;
  std::string pattern;
  std::optional<double> minimum, maximum;
  bool exclusiveMinimum = false, exclusiveMaximum = false;
  std::optional<double> multipleOf;
  std::optional<int64_t> minLength, maxLength, minItems, maxItems, minProperties, maxProperties;
  bool uniqueItems = false;
  bool nullable = false;
  bool immutable = false;              // a change is refused once set
  bool preserveUnknownFields = false;  // x-kubernetes-preserve-unknown-fields: no pruning below
  bool embeddedResource = false;
  // From api/. Such values are decoded as Kubernetes decodes its own types: a wrong type is refused while decoding, and
  // an empty text is the same as a missing one, for defaults and for `required`. zeroIsUnset says so of a number's 0.
  bool builtin = false;
  bool zeroIsUnset = false;

  ListType listType = ListType::kAtomic;     // x-kubernetes-list-type (apply)
  std::vector<std::string> listMapKeys;      // x-kubernetes-list-map-keys (apply)
  bool atomicMap = false;                    // x-kubernetes-map-type: atomic (apply)
  std::vector<std::string> patchStrategies;  // "merge", "replace", "retainKeys" (strategic merge patch)
  std::string patchMergeKey;

  // CRD validation by schema logic (allOf, anyOf, oneOf, not) and CEL rules, kept as they were written.
  std::vector<std::shared_ptr<const Node>> allOf, anyOf, oneOf;
  std::shared_ptr<const Node> notNode;
  json::Array validations;  // x-kubernetes-validations

  const Node* property(std::string_view name) const;  // null when unknown
  bool isQuantity() const { return definition == "io.k8s.apimachinery.pkg.api.resource.Quantity"; }
  bool isMicroTime() const { return definition == "io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime"; }
};
using NodePtr = std::shared_ptr<const Node>;

// A printer column of `kubectl get`. Either a JSONPath, or `hook`: the name of a function that computes the cell.
struct Column {
  std::string name;
  std::string type;    // "string", "integer", "date", ...
  std::string format;  // "name" for the name column
  std::string description;
  int priority = 0;  // above 0: only with -o wide
  std::string jsonPath;
  std::string hook;
};

struct Subresource {
  std::string name;             // "status", "scale", "binding", "log", ...
  meta::GroupVersionKind kind;  // what is sent and answered; empty group/version: the kind's own
  std::vector<std::string> verbs;
  // "scale" of a custom kind: where it stands in the object (".spec.replicas").
  std::string specReplicasPath, statusReplicasPath, labelSelectorPath;
};

// One version of one kind.
struct Kind {
  meta::Resource resource;  // group, version, plural, kind, scope; plural "" when only other kinds' subresources use it
  std::string singular;
  std::string listKind;
  std::vector<std::string> shortNames;
  std::vector<std::string> categories;
  std::vector<std::string> verbs;  // "create", "delete", "deletecollection", "get", "list", "patch", ...
  std::vector<Subresource> subresources;
  std::vector<Column> columns;
  std::vector<std::string> selectableFields;  // what field selectors may name, beside metadata.name and .namespace
  std::vector<std::string> hooks;             // admission hooks, in order (apiserver/admission/), as named in the YAML
  std::string storageVersion;  // the version and the group that objects are stored in: mostly the kind's own
  std::string storageGroup;    // (events.k8s.io/v1 is stored as v1 of "")
  std::string conversion;      // hook that converts from and to the stored version; "" when fields agree
  std::string storageVersionHash;
  std::string deprecationWarning;    // sent as a Warning header with every answer; "" when there is none
  std::string nameRule;              // "dns1123subdomain" (default), "dns1123label", "dns1035label", "path"
  bool virtualKind = false;          // never stored: reviews, Binding, Scale, ...
  bool custom = false;               // from a CustomResourceDefinition
  bool generationTracksSpec = true;  // metadata.generation counts changes outside metadata and status
  NodePtr schema;

  const Subresource* findSubresource(std::string_view name) const;
  bool hasVerb(std::string_view verb) const;
};
using KindPtr = std::shared_ptr<const Kind>;

class Registry {
 public:
  virtual ~Registry() = default;
  virtual KindPtr findResource(std::string_view group, std::string_view version, std::string_view resource) const = 0;
  virtual KindPtr findKind(const meta::GroupVersionKind& kind) const = 0;
  // All kinds that have a resource of their own; groups in discovery order, preferred version first, by plural name.
  virtual const std::vector<KindPtr>& kinds() const = 0;
  // Shared structs by name, for OpenAPI.
  virtual NodePtr findDefinition(std::string_view name) const = 0;
};
using RegistryPtr = std::shared_ptr<const Registry>;

// The built-in kinds. Made once; throws std::logic_error when api/ is wrong (the build checks that it isn't).
RegistryPtr builtinRegistry();

// `base` plus the kinds of these CustomResourceDefinitions (only their served, valid versions).
RegistryPtr withCustomKinds(RegistryPtr base, const std::vector<json::Value>& crds);

}  // namespace wherry::schema
