#include <algorithm>

#include "schema/object_rules.h"

namespace wherry::schema {
namespace {

void visit(const Node& node, json::Value& value);

// A field that stands for no value at all: null, unless null is one here; and an optional list or map of a built-in
// struct that is empty, since their encoder leaves such out.
bool isNothing(const Node& node, std::string_view key, const json::Value& value) {
  const Node* property = node.property(key);
  if (!property || property->nullable || property->type == Type::kAny) return false;
  if (value.is_null()) return true;
  if (!property->builtin || std::ranges::find(node.required, key) != node.required.end()) return false;
  if (value.is_array()) return value.get_array().empty();
  return value.is_object() && value.get_object().empty() && property->additionalProperties;
}

void removeNothings(const Node& node, json::Object& object) {
  auto absent = [&](const auto& field) { return isNothing(node, field.key(), field.value()); };
  if (std::ranges::none_of(object, absent)) return;
  json::Object kept(object.storage());
  kept.reserve(object.size());
  for (auto& field : object) {
    if (!absent(field)) kept.emplace(field.key(), std::move(field.value()));
  }
  object = std::move(kept);
}

bool isUnset(const Node& node, const json::Value* value) {
  if (!value) return true;
  if (node.builtin && value->is_string() && value->get_string().empty()) return true;
  return node.zeroIsUnset && value->is_number() && value->to_number<double>() == 0;
}

void visitObject(const Node& node, json::Object& object) {
  removeNothings(node, object);
  for (const std::string& name : node.propertyOrder) {
    const Node& property = *node.property(name);
    if (property.defaultValue && isUnset(property, object.if_contains(name))) object[name] = *property.defaultValue;
  }
  for (auto& [key, value] : object) {
    if (const Node* property = node.property(key)) {
      visit(*property, value);
    } else if (node.additionalProperties) {
      // Null in a built-in map of texts is the empty text.
      const Node& item = *node.additionalProperties;
      if (value.is_null() && item.builtin && item.type == Type::kString) value = "";
      visit(*node.additionalProperties, value);
    }
  }
}

void visit(const Node& node, json::Value& value) {
  if (json::Object* object = value.if_object()) {
    visitObject(node, *object);
  } else if (json::Array* array = value.if_array(); array && node.items) {
    for (json::Value& item : *array) visit(*node.items, item);
  }
}

}  // namespace

void applyDefaults(const Node& schema, json::Value& object) { visit(schema, object); }

}  // namespace wherry::schema
