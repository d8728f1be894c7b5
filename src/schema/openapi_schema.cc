#include "schema/openapi_schema.h"

#include <algorithm>

namespace wherry::schema {
namespace {

constexpr std::string_view kMetaPackage = "io.k8s.apimachinery.pkg.apis.meta.v1.";

// Structs of apimachinery that are kinds: of the core group, and of every group where they are used.
constexpr std::string_view kSharedKinds[] = {"DeleteOptions", "WatchEvent"};
constexpr std::string_view kMetaKinds[] = {"APIGroup", "APIGroupList", "APIResourceList", "APIVersions", "Status"};

std::string_view typeName(Type type) {
  switch (type) {
    case Type::kString:
      return "string";
    case Type::kInteger:
      return "integer";
    case Type::kNumber:
      return "number";
    case Type::kBoolean:
      return "boolean";
    case Type::kObject:
      return "object";
    case Type::kArray:
      return "array";
    default:
      return "";
  }
}

json::Object gvk(std::string_view group, std::string_view version, std::string_view kind) {
  return {{"group", group}, {"kind", kind}, {"version", version}};
}

std::string listDefinition(const Kind& kind) {
  const std::string& name = kind.schema->definition;
  return name.substr(0, name.rfind('.') + 1) + kind.listKind;
}

template <typename T>
void put(json::Object& out, std::string_view key, const std::optional<T>& value) {
  if (value) out[key] = *value;
}

void put(json::Object& out, std::string_view key, const std::vector<std::string>& values) {
  if (!values.empty()) out[key] = json::Array(values.begin(), values.end());
}

json::Array typesOf(std::initializer_list<const char*> types) {
  json::Array array;
  for (const char* type : types) array.push_back(json::Object{{"type", type}});
  return array;
}

// Formats that only api/ knows.
std::string_view publicFormat(const Node& node) {
  if (node.format == "date-time-micro") return "date-time";
  return node.format == "quantity" ? std::string_view() : std::string_view(node.format);
}

}  // namespace

SchemaRenderer::SchemaRenderer(const Registry& registry, Dialect dialect, std::vector<meta::GroupVersion> groupVersions)
    : registry_(registry), dialect_(dialect), groupVersions_(std::move(groupVersions)) {
  for (const KindPtr& kind : registry.kinds()) {
    kinds_[kind->schema->definition] = kind;
    if (!kind->listKind.empty()) lists_[listDefinition(*kind)] = kind;
    for (const Subresource& subresource : kind->subresources) {
      // Kinds that have no resource of their own, such as Scale.
      if (KindPtr used = registry.findKind(subresource.kind)) kinds_.emplace(used->schema->definition, used);
    }
  }
}

json::Object SchemaRenderer::reference(const std::string& name) {
  if (wanted_.insert(name).second) pending_.push_back(name);
  return {{"$ref", (dialect_ == Dialect::kV2 ? "#/definitions/" : "#/components/schemas/") + name}};
}

json::Object SchemaRenderer::metaReference(std::string_view name) {
  return reference(std::string(kMetaPackage) + std::string(name));
}

json::Object SchemaRenderer::kindReference(const Kind& kind) { return reference(kind.schema->definition); }

json::Object SchemaRenderer::listReference(const Kind& kind) { return reference(listDefinition(kind)); }

json::Object SchemaRenderer::definitions() {
  std::map<std::string, json::Object> rendered;
  while (!pending_.empty()) {
    std::string name = std::move(pending_.back());
    pending_.pop_back();
    rendered[name] = renderDefinition(name);  // which may want others
  }
  json::Object result;
  for (auto& [name, definition] : rendered) result[name] = std::move(definition);
  return result;
}

json::Object SchemaRenderer::renderDefinition(const std::string& name) {
  json::Object out;
  if (auto list = lists_.find(name); list != lists_.end()) {
    out = renderList(*list->second);
  } else if (auto kind = kinds_.find(name); kind != kinds_.end()) {
    out = renderBody(*kind->second->schema);
  } else if (NodePtr node = registry_.findDefinition(name)) {
    out = renderBody(*node);
  }
  if (json::Array names = groupVersionKinds(name); !names.empty()) {
    out["x-kubernetes-group-version-kind"] = std::move(names);
  }
  return out;
}

json::Array SchemaRenderer::groupVersionKinds(const std::string& name) const {
  json::Array names;
  if (auto found = kinds_.find(name); found != kinds_.end()) {
    const meta::Resource& resource = found->second->resource;
    names.push_back(gvk(resource.group, resource.version, resource.kind));
  } else if (auto list = lists_.find(name); list != lists_.end()) {
    const meta::Resource& resource = list->second->resource;
    names.push_back(gvk(resource.group, resource.version, list->second->listKind));
  } else if (name.starts_with(kMetaPackage)) {
    std::string_view kind = std::string_view(name).substr(kMetaPackage.size());
    bool shared = std::ranges::find(kSharedKinds, kind) != std::end(kSharedKinds);
    if (shared || std::ranges::find(kMetaKinds, kind) != std::end(kMetaKinds)) names.push_back(gvk("", "v1", kind));
    for (const meta::GroupVersion& each : groupVersions_) {
      if (shared && !each.group.empty()) names.push_back(gvk(each.group, each.version, kind));
    }
  }
  return names;
}

json::Object SchemaRenderer::renderList(const Kind& kind) {
  json::Object metadata = metaReference("ListMeta");
  if (dialect_ == Dialect::kV3) metadata = {{"allOf", json::Array{std::move(metadata)}}, {"default", json::Object()}};
  json::Object properties = {
      {"apiVersion", json::Object{{"type", "string"}}},
      {"items", json::Object{{"items", kindReference(kind)}, {"type", "array"}}},
      {"kind", json::Object{{"type", "string"}}},
      {"metadata", std::move(metadata)},
  };
  return {{"properties", std::move(properties)}, {"required", json::Array{"items"}}, {"type", "object"}};
}

// A struct where it is used: a reference, with what this place says beyond it.
json::Object SchemaRenderer::renderStruct(const Node& node) {
  json::Object out = reference(node.definition);
  NodePtr shared = registry_.findDefinition(node.definition);
  if (shared.get() == &node) return out;
  json::Object own;
  if (!node.description.empty() && (!shared || node.description != shared->description)) {
    own["description"] = node.description;
  }
  if (node.defaultValue && dialect_ == Dialect::kV3) own["default"] = *node.defaultValue;
  if (node.atomicMap && shared && !shared->atomicMap) own["x-kubernetes-map-type"] = "atomic";
  renderPatchRules(node, own);
  if (dialect_ == Dialect::kV2) {
    for (auto& member : own) out[member.key()] = std::move(member.value());
    return out;
  }
  own["allOf"] = json::Array{std::move(out)};
  return own;
}

json::Object SchemaRenderer::renderUse(const Node& node, bool isProperty) {
  if (node.definition.empty()) return renderBody(node);
  json::Object out = renderStruct(node);
  // Beside a $ref nothing may stand in version 3, and clients expect the long form in every property.
  if (isProperty && dialect_ == Dialect::kV3 && out.contains("$ref")) return {{"allOf", json::Array{std::move(out)}}};
  return out;
}

json::Object SchemaRenderer::renderBody(const Node& node) {
  json::Object out;
  if (!node.description.empty()) out["description"] = node.description;
  renderType(node, out);
  renderRules(node, out);
  renderExtensions(node, out);
  return out;
}

void SchemaRenderer::renderType(const Node& node, json::Object& out) {
  bool free = !node.builtin && (node.preserveUnknownFields || node.nullable);
  if (node.type == Type::kIntOrString && node.builtin) {
    out["format"] = "int-or-string";
    if (dialect_ == Dialect::kV3) out["oneOf"] = typesOf({"integer", "string"});
    if (dialect_ == Dialect::kV2) out["type"] = "string";
  } else if (node.isQuantity() && dialect_ == Dialect::kV3) {
    out["oneOf"] = typesOf({"string", "number"});
  } else if (dialect_ == Dialect::kV2 && free && node.definition.empty()) {
    return;  // version 2 has no words for it: a place without a type takes anything
  } else {
    if (std::string_view type = typeName(node.type); !type.empty()) out["type"] = type;
    if (std::string_view format = publicFormat(node); !format.empty()) out["format"] = format;
    renderObject(node, out);
  }
}

void SchemaRenderer::renderObject(const Node& node, json::Object& out) {
  if (!node.properties.empty()) {
    json::Object properties;
    for (const auto& [name, property] : node.properties) properties[name] = renderUse(*property, true);
    out["properties"] = std::move(properties);
  }
  if (node.additionalProperties) out["additionalProperties"] = renderUse(*node.additionalProperties, false);
  if (node.items) out["items"] = renderUse(*node.items, false);
  put(out, "required", node.required);
}

void SchemaRenderer::renderRules(const Node& node, json::Object& out) {
  if (node.defaultValue) out["default"] = *node.defaultValue;
  if (!node.enumValues.empty()) out["enum"] = json::Array(node.enumValues.begin(), node.enumValues.end());
  if (node.builtin) return;  // the rest has never been part of the built-in kinds' documents
  if (!node.pattern.empty()) out["pattern"] = node.pattern;
  put(out, "minimum", node.minimum);
  put(out, "maximum", node.maximum);
  put(out, "multipleOf", node.multipleOf);
  put(out, "minLength", node.minLength);
  put(out, "maxLength", node.maxLength);
  put(out, "minItems", node.minItems);
  put(out, "maxItems", node.maxItems);
  put(out, "minProperties", node.minProperties);
  put(out, "maxProperties", node.maxProperties);
  if (node.exclusiveMinimum) out["exclusiveMinimum"] = true;
  if (node.exclusiveMaximum) out["exclusiveMaximum"] = true;
  if (node.uniqueItems) out["uniqueItems"] = true;
  if (dialect_ == Dialect::kV3) renderLogic(node, out);
}

void SchemaRenderer::renderLogic(const Node& node, json::Object& out) {
  auto renderAll = [&](std::string_view key, const std::vector<NodePtr>& nodes) {
    json::Array array;
    for (const NodePtr& each : nodes) array.push_back(renderBody(*each));
    if (!array.empty()) out[key] = std::move(array);
  };
  renderAll("allOf", node.allOf);
  renderAll("anyOf", node.anyOf);
  renderAll("oneOf", node.oneOf);
  if (node.notNode) out["not"] = renderBody(*node.notNode);
  if (node.nullable) out["nullable"] = true;
}

void SchemaRenderer::renderExtensions(const Node& node, json::Object& out) {
  static constexpr const char* kListTypes[] = {"atomic", "set", "map"};
  if (node.type == Type::kArray) out["x-kubernetes-list-type"] = kListTypes[static_cast<size_t>(node.listType)];
  put(out, "x-kubernetes-list-map-keys", node.listMapKeys);
  if (node.atomicMap) out["x-kubernetes-map-type"] = "atomic";
  renderPatchRules(node, out);
  if (node.builtin) return;
  if (node.preserveUnknownFields) out["x-kubernetes-preserve-unknown-fields"] = true;
  if (node.embeddedResource) out["x-kubernetes-embedded-resource"] = true;
  if (node.type == Type::kIntOrString) out["x-kubernetes-int-or-string"] = true;
  if (!node.validations.empty()) out["x-kubernetes-validations"] = node.validations;
}

void SchemaRenderer::renderPatchRules(const Node& node, json::Object& out) {
  if (!node.patchStrategies.empty()) {
    std::string strategies;
    for (const std::string& each : node.patchStrategies) strategies += (strategies.empty() ? "" : ",") + each;
    out["x-kubernetes-patch-strategy"] = strategies;
  }
  if (!node.patchMergeKey.empty()) out["x-kubernetes-patch-merge-key"] = node.patchMergeKey;
}

}  // namespace wherry::schema
