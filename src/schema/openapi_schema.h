// Schemas of OpenAPI documents, out of a Registry's Nodes. Not thread-safe: one renderer for one document.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "json/value.h"
#include "schema/kind.h"

namespace wherry::schema {

enum class Dialect { kV2, kV3 };

class SchemaRenderer {
 public:
  // `groupVersions`: those that the document is about; DeleteOptions and WatchEvent belong to each of them.
  SchemaRenderer(const Registry& registry, Dialect dialect, std::vector<meta::GroupVersion> groupVersions);

  // {"$ref": ...}; the struct and all that it refers to will be among the definitions.
  json::Object reference(const std::string& name);
  json::Object metaReference(std::string_view name);  // of apimachinery's meta/v1: "Status"
  json::Object kindReference(const Kind& kind);
  json::Object listReference(const Kind& kind);

  // Every struct that was referred to, by name, sorted.
  json::Object definitions();

 private:
  json::Object renderDefinition(const std::string& name);
  json::Object renderList(const Kind& kind);
  json::Object renderStruct(const Node& node);
  json::Object renderUse(const Node& node, bool isProperty);
  json::Object renderBody(const Node& node);
  void renderType(const Node& node, json::Object& out);
  void renderObject(const Node& node, json::Object& out);
  void renderRules(const Node& node, json::Object& out);
  void renderLogic(const Node& node, json::Object& out);
  void renderExtensions(const Node& node, json::Object& out);
  void renderPatchRules(const Node& node, json::Object& out);
  json::Array groupVersionKinds(const std::string& name) const;

  const Registry& registry_;
  Dialect dialect_;
  std::vector<meta::GroupVersion> groupVersions_;
  std::map<std::string, KindPtr> kinds_;  // by the name of their struct
  std::map<std::string, KindPtr> lists_;  // by the name of their list's
  std::set<std::string> wanted_;          // every name that was referred to
  std::vector<std::string> pending_;      // those that are not rendered yet
};

}  // namespace wherry::schema
