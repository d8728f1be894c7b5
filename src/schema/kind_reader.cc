#include "schema/kind_reader.h"

#include <algorithm>

#include "base/encoding.h"
#include "schema/node_reader.h"

namespace wherry::schema {
namespace {

std::string text(std::string_view key, const json::Value& value) {
  if (!value.is_string()) throw SchemaError(std::string(key) + ": must be a text");
  return std::string(value.get_string());
}

bool truth(std::string_view key, const json::Value& value) {
  if (!value.is_bool()) throw SchemaError(std::string(key) + ": must be true or false");
  return value.get_bool();
}

std::vector<std::string> texts(std::string_view key, const json::Value& value) {
  if (!value.is_array()) throw SchemaError(std::string(key) + ": must be a list");
  std::vector<std::string> result;
  for (const json::Value& item : value.get_array()) result.push_back(text(key, item));
  return result;
}

// One key of an object, and what it does to the T that the object describes.
template <typename T>
struct Key {
  std::string_view name;
  void (*read)(T&, std::string_view, const json::Value&);
};

template <typename T, size_t N>
void readKeys(const Key<T> (&keys)[N], T& target, std::string_view place, const json::Value& value) {
  if (!value.is_object()) throw SchemaError(std::string(place) + ": must be an object");
  for (const auto& [name, field] : value.get_object()) {
    auto found = std::ranges::find(keys, std::string_view(name), &Key<T>::name);
    if (found == std::end(keys)) throw SchemaError(std::string(place) + "." + std::string(name) + ": unknown key");
    found->read(target, name, field);
  }
}

template <typename T, size_t N>
std::vector<T> readList(const Key<T> (&keys)[N], std::string_view place, const json::Value& value) {
  if (!value.is_array()) throw SchemaError(std::string(place) + ": must be a list");
  std::vector<T> result;
  for (const json::Value& item : value.get_array()) readKeys(keys, result.emplace_back(), place, item);
  return result;
}

meta::Scope scopeNamed(const std::string& name) {
  if (name == "Namespaced") return meta::Scope::kNamespaced;
  if (name == "Cluster") return meta::Scope::kCluster;
  throw SchemaError("scope: unknown scope '" + name + "'");
}

using View = std::string_view;
using Value = json::Value;

constexpr Key<Kind> kNameKeys[] = {
    {"plural", [](Kind& kind, View k, const Value& v) { kind.resource.resource = text(k, v); }},
    {"singular", [](Kind& kind, View k, const Value& v) { kind.singular = text(k, v); }},
    {"kind", [](Kind& kind, View k, const Value& v) { kind.resource.kind = text(k, v); }},
    {"listKind", [](Kind& kind, View k, const Value& v) { kind.listKind = text(k, v); }},
    {"shortNames", [](Kind& kind, View k, const Value& v) { kind.shortNames = texts(k, v); }},
    {"categories", [](Kind& kind, View k, const Value& v) { kind.categories = texts(k, v); }},
};

constexpr Key<Subresource> kSubresourceKeys[] = {
    {"name", [](Subresource& s, View k, const Value& v) { s.name = text(k, v); }},
    {"kind", [](Subresource& s, View k, const Value& v) { s.kind.kind = text(k, v); }},
    {"group", [](Subresource& s, View k, const Value& v) { s.kind.group = text(k, v); }},
    {"version", [](Subresource& s, View k, const Value& v) { s.kind.version = text(k, v); }},
    {"verbs", [](Subresource& s, View k, const Value& v) { s.verbs = texts(k, v); }},
};

constexpr Key<Column> kColumnKeys[] = {
    {"name", [](Column& c, View k, const Value& v) { c.name = text(k, v); }},
    {"type", [](Column& c, View k, const Value& v) { c.type = text(k, v); }},
    {"format", [](Column& c, View k, const Value& v) { c.format = text(k, v); }},
    {"description", [](Column& c, View k, const Value& v) { c.description = text(k, v); }},
    {"priority", [](Column& c, View, const Value& v) { c.priority = v.to_number<int>(); }},
    {"jsonPath", [](Column& c, View k, const Value& v) { c.jsonPath = text(k, v); }},
    {"hook", [](Column& c, View k, const Value& v) { c.hook = text(k, v); }},
};

constexpr Key<Kind> kKindKeys[] = {
    {"group", [](Kind& kind, View k, const Value& v) { kind.resource.group = text(k, v); }},
    {"version", [](Kind& kind, View k, const Value& v) { kind.resource.version = text(k, v); }},
    {"names", [](Kind& kind, View k, const Value& v) { readKeys(kNameKeys, kind, k, v); }},
    {"scope", [](Kind& kind, View k, const Value& v) { kind.resource.scope = scopeNamed(text(k, v)); }},
    {"virtual", [](Kind& kind, View k, const Value& v) { kind.virtualKind = truth(k, v); }},
    {"verbs", [](Kind& kind, View k, const Value& v) { kind.verbs = texts(k, v); }},
    {"subresources", [](Kind& kind, View k, const Value& v) { kind.subresources = readList(kSubresourceKeys, k, v); }},
    {"selectableFields", [](Kind& kind, View k, const Value& v) { kind.selectableFields = texts(k, v); }},
    {"deprecationWarning", [](Kind& kind, View k, const Value& v) { kind.deprecationWarning = text(k, v); }},
    {"nameRule", [](Kind& kind, View k, const Value& v) { kind.nameRule = text(k, v); }},
    {"generationTracksSpec", [](Kind& kind, View k, const Value& v) { kind.generationTracksSpec = truth(k, v); }},
    {"hooks", [](Kind& kind, View k, const Value& v) { kind.hooks = texts(k, v); }},
    {"conversion", [](Kind& kind, View k, const Value& v) { kind.conversion = text(k, v); }},
    {"storageGroup", [](Kind& kind, View k, const Value& v) { kind.storageGroup = text(k, v); }},
    {"storageVersion", [](Kind& kind, View k, const Value& v) { kind.storageVersion = text(k, v); }},
    {"storageVersionHash", [](Kind& kind, View k, const Value& v) { kind.storageVersionHash = text(k, v); }},
    {"columns", [](Kind& kind, View k, const Value& v) { kind.columns = readList(kColumnKeys, k, v); }},
    {"schema", [](Kind&, View, const Value&) {}},       // read by the loader
    {"definitions", [](Kind&, View, const Value&) {}},  // likewise
};

constexpr std::string_view kNameRules[] = {"dns1123subdomain", "dns1123label", "dns1035label", "path"};

void checkKind(const Kind& kind) {
  auto need = [](const std::string& value, std::string_view key) {
    if (value.empty()) throw SchemaError(std::string(key) + ": missing");
  };
  need(kind.resource.version, "version");
  need(kind.resource.kind, "names.kind");
  if (!kind.virtualKind) need(kind.resource.resource, "names.plural");
  if (!kind.resource.resource.empty()) need(kind.singular, "names.singular");
  if (!kind.resource.resource.empty() && kind.verbs.empty()) throw SchemaError("verbs: missing");
  if (kind.hasVerb("list")) need(kind.listKind, "names.listKind");
  if (std::ranges::find(kNameRules, kind.nameRule) == std::end(kNameRules)) {
    throw SchemaError("nameRule: unknown rule '" + kind.nameRule + "'");
  }
  for (const Column& column : kind.columns) {
    if (column.jsonPath.empty() == column.hook.empty()) {
      throw SchemaError("columns." + column.name + ": needs either jsonPath or hook");
    }
  }
}

}  // namespace

std::string computeStorageVersionHash(const Kind& kind) {
  std::string text = kind.storageGroup + "/" + kind.storageVersion + "/" + kind.resource.kind;
  return base::encodeBase64(base::sha256(text).substr(0, 8));
}

Column readColumn(const json::Value& column) {
  Column result;
  readKeys(kColumnKeys, result, "columns", column);
  return result;
}

Kind readKind(const json::Value& file) {
  Kind kind;
  kind.nameRule = "dns1123subdomain";
  readKeys(kKindKeys, kind, "kind", file);
  if (!file.get_object().if_contains("storageGroup")) kind.storageGroup = kind.resource.group;
  if (kind.storageVersion.empty()) kind.storageVersion = kind.resource.version;
  if (kind.storageVersionHash.empty() && !kind.virtualKind) kind.storageVersionHash = computeStorageVersionHash(kind);
  checkKind(kind);
  return kind;
}

}  // namespace wherry::schema
