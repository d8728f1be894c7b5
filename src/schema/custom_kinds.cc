// CustomResourceDefinitions (apiextensions.k8s.io/v1) as Kinds.
#include <algorithm>
#include <optional>
#include <tuple>

#include "base/strings.h"
#include "schema/kind.h"
#include "schema/kind_reader.h"
#include "schema/node_reader.h"
#include "schema/registry.h"

namespace wherry::schema {
namespace {

constexpr std::string_view kObjectMeta = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";

std::string text(const json::Value& tree, std::string_view path) { return std::string(json::getString(tree, path)); }

std::vector<std::string> texts(const json::Value& tree, std::string_view path) {
  std::vector<std::string> result;
  const json::Value* list = json::find(tree, path);
  if (!list || !list->is_array()) return result;
  for (const json::Value& item : list->get_array()) {
    if (item.is_string()) result.emplace_back(item.get_string());
  }
  return result;
}

const json::Array& items(const json::Value& tree, std::string_view path) {
  static const json::Array kNone;
  const json::Value* list = json::find(tree, path);
  return list && list->is_array() ? list->get_array() : kNone;
}

// How versions of a group rank: v2 before v1 before v1beta1 before v1alpha1, other names last by the alphabet.
using VersionRank = std::tuple<int, int64_t, int64_t, std::string>;

VersionRank rankOf(const std::string& version) {
  std::string_view rest = version;
  auto number = [&]() -> std::optional<int64_t> {
    size_t digits = std::min(rest.find_first_not_of("0123456789"), rest.size());
    auto value = base::parseInt<int64_t>(rest.substr(0, digits));
    rest.remove_prefix(digits);
    return value;
  };
  const VersionRank other = {3, 0, 0, version};
  if (!rest.starts_with('v')) return other;
  rest.remove_prefix(1);
  auto major = number();
  if (!major) return other;
  if (rest.empty()) return {0, -*major, 0, version};
  int stability = rest.starts_with("beta") ? 1 : rest.starts_with("alpha") ? 2 : 3;
  if (stability == 3) return other;
  rest.remove_prefix(stability == 1 ? 4 : 5);
  auto minor = number();
  return minor && rest.empty() ? VersionRank{stability, -*major, -*minor, version} : other;
}

// "example.com", "v1", "Boat" -> "com.example.v1.Boat"
std::string definitionName(const meta::Resource& resource) {
  std::vector<std::string_view> labels = base::split(resource.group, '.');
  std::string name;
  for (auto label = labels.rbegin(); label != labels.rend(); ++label) name.append(*label).append(".");
  return name + resource.version + "." + resource.kind;
}

NodePtr readSchema(const json::Value& crd, const json::Value& version, const Kind& kind, const Registry& base) {
  auto resolve = [&](std::string_view, Completeness) { return base.findDefinition(kObjectMeta); };
  NodeReader reader(Vocabulary::kCustom, resolve);
  const json::Value* schema = json::find(version, "schema.openAPIV3Schema");
  json::Object root = schema && schema->is_object() ? schema->get_object() : json::Object();
  root["x-kubernetes-embedded-resource"] = true;  // gives it apiVersion, kind and metadata
  auto node = std::make_shared<Node>();
  reader.readInto(*node, root);
  node->type = Type::kObject;
  node->embeddedResource = false;
  node->definition = definitionName(kind.resource);
  if (!schema || json::getBool(crd, "spec.preserveUnknownFields")) node->preserveUnknownFields = true;
  return node;
}

std::vector<Subresource> readSubresources(const json::Value& version, const std::string& kindName) {
  std::vector<Subresource> result;
  const std::vector<std::string> verbs = {"get", "patch", "update"};
  if (const json::Value* scale = json::find(version, "subresources.scale")) {
    result.push_back({"scale",
                      {"autoscaling", "v1", "Scale"},
                      verbs,
                      text(*scale, "specReplicasPath"),
                      text(*scale, "statusReplicasPath"),
                      text(*scale, "labelSelectorPath")});
  }
  if (json::find(version, "subresources.status")) result.push_back({"status", {"", "", kindName}, verbs, "", "", ""});
  return result;
}

std::vector<Column> readColumns(const json::Value& version) {
  std::vector<Column> columns;
  columns.push_back({"Name", "string", "name", "The name of the object.", 0, ".metadata.name", ""});
  for (const json::Value& column : items(version, "additionalPrinterColumns")) columns.push_back(readColumn(column));
  if (columns.size() == 1) {
    columns.push_back({"Age", "date", "", "When the object was made.", 0, ".metadata.creationTimestamp", ""});
  }
  return columns;
}

std::vector<std::string> readSelectableFields(const json::Value& version) {
  std::vector<std::string> fields;
  for (const json::Value& field : items(version, "selectableFields")) {
    std::string path = text(field, "jsonPath");
    fields.push_back(path.starts_with('.') ? path.substr(1) : path);
  }
  return fields;
}

// What all versions of a CustomResourceDefinition have in common.
Kind readNames(const json::Value& crd) {
  Kind kind;
  kind.custom = true;
  kind.nameRule = "dns1123subdomain";
  kind.resource.group = kind.storageGroup = text(crd, "spec.group");
  kind.resource.kind = text(crd, "spec.names.kind");
  kind.resource.resource = text(crd, "spec.names.plural");
  kind.resource.scope = text(crd, "spec.scope") == "Cluster" ? meta::Scope::kCluster : meta::Scope::kNamespaced;
  kind.singular = text(crd, "spec.names.singular");
  if (kind.singular.empty()) kind.singular = base::toLower(kind.resource.kind);
  kind.listKind = text(crd, "spec.names.listKind");
  if (kind.listKind.empty()) kind.listKind = kind.resource.kind + "List";
  kind.shortNames = texts(crd, "spec.names.shortNames");
  kind.categories = texts(crd, "spec.names.categories");
  kind.verbs = {"create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"};
  if (text(crd, "spec.conversion.strategy") == "Webhook") kind.conversion = "webhook";
  for (const json::Value& version : items(crd, "spec.versions")) {
    if (json::getBool(version, "storage")) kind.storageVersion = text(version, "name");
  }
  kind.storageVersionHash = computeStorageVersionHash(kind);
  return kind;
}

// Null when the version is not served, or its schema is not one.
KindPtr readVersion(const json::Value& crd, const json::Value& version, Kind kind, const Registry& base) {
  if (!json::getBool(version, "served")) return nullptr;
  kind.resource.version = text(version, "name");
  if (json::getBool(version, "deprecated")) {
    kind.deprecationWarning = text(version, "deprecationWarning");
    if (kind.deprecationWarning.empty()) {
      kind.deprecationWarning = kind.resource.apiVersion() + " " + kind.resource.kind + " is deprecated";
    }
  }
  try {
    kind.subresources = readSubresources(version, kind.resource.kind);
    kind.columns = readColumns(version);
    kind.selectableFields = readSelectableFields(version);
    kind.schema = readSchema(crd, version, kind, base);
    return std::make_shared<const Kind>(std::move(kind));
  } catch (const SchemaError&) {
    return nullptr;
  }
}

}  // namespace

RegistryPtr withCustomKinds(RegistryPtr base, const std::vector<json::Value>& crds) {
  std::vector<KindPtr> kinds;
  for (const json::Value& crd : crds) {
    Kind names = readNames(crd);
    if (names.resource.group.empty() || names.resource.resource.empty() || names.storageVersion.empty()) continue;
    for (const json::Value& version : items(crd, "spec.versions")) {
      if (KindPtr kind = readVersion(crd, version, names, *base)) kinds.push_back(kind);
    }
  }
  std::ranges::sort(kinds, {}, [](const KindPtr& kind) {
    const meta::Resource& resource = kind->resource;
    return std::tuple(resource.group, rankOf(resource.version), resource.resource);
  });
  return extendRegistry(std::move(base), std::move(kinds));
}

}  // namespace wherry::schema
