#include <algorithm>

#include "schema/openapi.h"
#include "schema/openapi_operations.h"
#include "schema/openapi_schema.h"

namespace wherry::schema {
namespace {

using json::Array;
using json::Object;
using json::Value;

Object gvkObject(const meta::GroupVersionKind& kind) {
  return {{"group", kind.group}, {"kind", kind.kind}, {"version", kind.version}};
}

Array renderParameters(std::vector<Parameter> parameters) {
  std::ranges::sort(parameters);
  Array array;
  for (const Parameter& parameter : parameters) {
    Object object = {{"uniqueItems", true}, {"type", parameter.type}, {"name", parameter.name}, {"in", parameter.in}};
    if (parameter.in == "path") object["required"] = true;
    array.push_back(std::move(object));
  }
  return array;
}

std::vector<meta::GroupVersion> groupVersionsOf(const Registry& registry) {
  std::vector<meta::GroupVersion> all;
  for (const KindPtr& kind : registry.kinds()) {
    meta::GroupVersion each{kind->resource.group, kind->resource.version};
    if (std::ranges::find(all, each) == all.end()) all.push_back(std::move(each));
  }
  return all;
}

class DocumentRenderer {
 public:
  DocumentRenderer(const Registry& registry, std::vector<meta::GroupVersion> groupVersions)
      : registry_(registry),
        schemas_(registry, Dialect::kV2, groupVersions),
        groupVersions_(std::move(groupVersions)) {}

  Value render() {
    Object paths;
    for (const meta::GroupVersion& groupVersion : groupVersions_) {
      for (const PathItem& item : pathsOf(registry_, groupVersion)) {
        paths[item.path] = renderItem(item, tagOf(groupVersion));
      }
    }
    Object security = {{"BearerToken", Object{{"type", "apiKey"}, {"name", "authorization"}, {"in", "header"}}}};
    return Object{{"swagger", "2.0"},
                  {"info", Object{{"title", "Kubernetes"}, {"version", "v1.36.0"}}},
                  {"paths", std::move(paths)},
                  {"definitions", schemas_.definitions()},
                  {"securityDefinitions", std::move(security)},
                  {"security", Array{Object{{"BearerToken", Array()}}}}};
  }

 private:
  Object renderItem(const PathItem& item, const std::string& tag) {
    Object object;
    for (const Operation& operation : item.operations) object[operation.method] = renderOperation(operation, tag);
    if (!item.parameters.empty()) object["parameters"] = renderParameters(item.parameters);
    return object;
  }

  Object renderOperation(const Operation& operation, const std::string& tag) {
    bool isPatch = operation.request == Payload::kPatch;
    Object object = {{"consumes", isPatch ? patchTypes(operation) : Array{"*/*"}},
                     {"produces", Array{"application/json", "application/yaml"}},
                     {"schemes", Array{"https"}},
                     {"tags", Array{Value(tag)}},
                     {"operationId", operation.id}};
    Array parameters = renderParameters(operation.parameters);
    if (operation.request != Payload::kNothing) parameters.insert(parameters.begin(), renderBody(operation));
    if (!parameters.empty()) object["parameters"] = std::move(parameters);
    object["responses"] = renderResponses(operation);
    if (!operation.action.empty()) {
      object["x-kubernetes-action"] = operation.action;
      object["x-kubernetes-group-version-kind"] = gvkObject(operation.kind);
    }
    return object;
  }

  static Array patchTypes(const Operation& operation) {
    Array types = {"application/json-patch+json", "application/merge-patch+json"};
    if (!operation.about->custom) types.emplace_back("application/strategic-merge-patch+json");
    types.emplace_back("application/apply-patch+yaml");
    return types;
  }

  Object renderBody(const Operation& operation) {
    Object body = {{"in", "body"}, {"name", "body"}};
    if (operation.request != Payload::kDeleteOptions) body["required"] = true;
    body["schema"] = schemaOf(operation.request, operation);
    return body;
  }

  Object renderResponses(const Operation& operation) {
    Object responses;
    for (int code : operation.codes) {
      Object response = {{"description", code == 401 ? "Unauthorized" : "OK"}};
      if (code != 401) response["schema"] = schemaOf(operation.response, operation);
      responses[std::to_string(code)] = std::move(response);
    }
    return responses;
  }

  Object schemaOf(Payload payload, const Operation& operation) {
    switch (payload) {
      case Payload::kList:
        return schemas_.listReference(*operation.about);
      case Payload::kStatus:
        return schemas_.metaReference("Status");
      case Payload::kDeleteOptions:
        return schemas_.metaReference("DeleteOptions");
      case Payload::kResourceList:
        return schemas_.metaReference("APIResourceList");
      case Payload::kPatch:
        return schemas_.metaReference("Patch");
      case Payload::kText:
        return {{"type", "string"}};
      default:
        return objectSchema(operation);
    }
  }

  Object objectSchema(const Operation& operation) {
    KindPtr kind = registry_.findKind(operation.kind);
    return schemas_.kindReference(kind == nullptr ? *operation.about : *kind);
  }

  const Registry& registry_;
  SchemaRenderer schemas_;
  std::vector<meta::GroupVersion> groupVersions_;
};

}  // namespace

json::Value openApiV2(const Registry& registry) {
  return DocumentRenderer(registry, groupVersionsOf(registry)).render();
}

}  // namespace wherry::schema
