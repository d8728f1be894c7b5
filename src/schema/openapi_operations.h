// What can be done at which path: the operations of a group version, in a form that OpenAPI 2 and 3 are both written
// from. Pure.
#pragma once

#include <string>
#include <vector>

#include "schema/kind.h"

namespace wherry::schema {

struct Parameter {
  std::string name;
  std::string in;    // "query" or "path"
  std::string type;  // "string", "integer", "boolean"

  auto operator<=>(const Parameter&) const = default;
};

enum class Payload { kNothing, kObject, kList, kStatus, kDeleteOptions, kPatch, kText, kResourceList };

struct Operation {
  std::string method;  // "get", "post", ...
  std::string id;      // "listCoreV1NamespacedPod"
  std::string action;  // "list", "connect", ...; "" for discovery
  KindPtr about;       // the kind that goes with the action; null for discovery and options
  meta::GroupVersionKind kind;
  std::vector<Parameter> parameters;
  Payload request = Payload::kNothing;
  Payload response = Payload::kObject;
  std::vector<int> codes;
};

struct PathItem {
  std::string path;
  std::vector<Parameter> parameters;  // of every operation
  std::vector<Operation> operations;
};

// All paths of a group version; none when it is unknown.
std::vector<PathItem> pathsOf(const Registry& registry, const meta::GroupVersion& groupVersion);

// "apps_v1", "rbacAuthorization_v1": how operations of a group version are grouped.
std::string tagOf(const meta::GroupVersion& groupVersion);

}  // namespace wherry::schema
