#include <algorithm>

#include "base/encoding.h"
#include "base/strings.h"
#include "schema/openapi.h"
#include "schema/openapi_operations.h"
#include "schema/openapi_schema.h"

namespace wherry::schema {
namespace {

using json::Array;
using json::Object;
using json::Value;

constexpr const char* kPatchTypes[] = {"application/apply-patch+yaml", "application/json-patch+json",
                                       "application/merge-patch+json", "application/strategic-merge-patch+json"};

Object content(std::initializer_list<const char*> mediaTypes, const Object& schema) {
  Object types;
  for (const char* type : mediaTypes) types[type] = Object{{"schema", schema}};
  return types;
}

Array renderParameters(std::vector<Parameter> parameters) {
  std::ranges::sort(parameters);
  Array array;
  for (const Parameter& parameter : parameters) {
    Object object = {{"in", parameter.in}, {"name", parameter.name}};
    if (parameter.in == "path") object["required"] = true;
    object["schema"] = Object{{"type", parameter.type}, {"uniqueItems", true}};
    array.push_back(std::move(object));
  }
  return array;
}

class DocumentRenderer {
 public:
  DocumentRenderer(const Registry& registry, const meta::GroupVersion& groupVersion)
      : registry_(registry), groupVersion_(groupVersion), schemas_(registry, Dialect::kV3, {groupVersion}) {}

  Value render(const std::vector<PathItem>& items) {
    Object paths;
    for (const PathItem& item : items) paths[item.path] = renderItem(item);
    Object security = {{"BearerToken", Object{{"in", "header"}, {"name", "authorization"}, {"type", "apiKey"}}}};
    return Object{
        {"openapi", "3.0.0"},
        {"info", Object{{"title", "Kubernetes"}, {"version", "1.36"}}},
        {"paths", std::move(paths)},
        {"components", Object{{"schemas", schemas_.definitions()}, {"securitySchemes", std::move(security)}}}};
  }

 private:
  Object renderItem(const PathItem& item) {
    Object object;
    for (const Operation& operation : item.operations) object[operation.method] = renderOperation(operation);
    if (!item.parameters.empty()) object["parameters"] = renderParameters(item.parameters);
    return object;
  }

  Object renderOperation(const Operation& operation) {
    Object object = {{"operationId", operation.id}, {"tags", Array{Value(tagOf(groupVersion_))}}};
    if (!operation.parameters.empty()) object["parameters"] = renderParameters(operation.parameters);
    if (operation.request != Payload::kNothing) object["requestBody"] = renderRequest(operation);
    object["responses"] = renderResponses(operation);
    if (!operation.action.empty()) {
      object["x-kubernetes-action"] = operation.action;
      const meta::GroupVersionKind& kind = operation.kind;
      object["x-kubernetes-group-version-kind"] =
          Object{{"group", kind.group}, {"kind", kind.kind}, {"version", kind.version}};
    }
    return object;
  }

  Object renderRequest(const Operation& operation) {
    Object types;
    if (operation.request == Payload::kPatch) {
      bool custom = operation.about != nullptr && operation.about->custom;
      for (const char* type : kPatchTypes) {
        // Nothing says how a custom kind's lists are merged.
        if (custom && std::string_view(type).starts_with("application/strategic")) continue;
        types[type] = Object{{"schema", schemas_.metaReference("Patch")}};
      }
    } else {
      types = content({"*/*"}, schemaOf(operation.request, operation));
    }
    Object request = {{"content", std::move(types)}};
    if (operation.request != Payload::kDeleteOptions) request["required"] = true;
    return request;
  }

  Object renderResponses(const Operation& operation) {
    Object responses;
    for (int code : operation.codes) {
      Object response = {{"description", code == 401 ? "Unauthorized" : "OK"}};
      if (code != 401) response["content"] = responseContent(operation);
      responses[std::to_string(code)] = std::move(response);
    }
    return responses;
  }

  Object responseContent(const Operation& operation) {
    Object schema = schemaOf(operation.response, operation);
    if (operation.response == Payload::kText) return content({"*/*"}, schema);
    if (operation.response == Payload::kList) {
      return content({"application/json", "application/json;stream=watch", "application/yaml"}, schema);
    }
    return content({"application/json", "application/yaml"}, schema);
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
  const meta::GroupVersion& groupVersion_;
  SchemaRenderer schemas_;
};

}  // namespace

json::Value openApiV3(const Registry& registry, const meta::GroupVersion& groupVersion) {
  std::vector<PathItem> items = pathsOf(registry, groupVersion);
  if (items.empty()) return nullptr;
  return DocumentRenderer(registry, groupVersion).render(items);
}

json::Value openApiV3Index(const Registry& registry) {
  Object paths;
  for (const KindPtr& kind : registry.kinds()) {
    meta::GroupVersion groupVersion{kind->resource.group, kind->resource.version};
    std::string path = (groupVersion.group.empty() ? "api/" : "apis/") + groupVersion.apiVersion();
    if (paths.contains(path)) continue;
    // The hash lets clients keep a document until it changes.
    std::string hash = base::sha256Hex(json::serialize(openApiV3(registry, groupVersion)));
    paths[path] = Object{{"serverRelativeURL", "/openapi/v3/" + path + "?hash=" + hash}};
  }
  return Object{{"paths", std::move(paths)}};
}

}  // namespace wherry::schema
