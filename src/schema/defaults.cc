#include <algorithm>

#include "schema/object_rules.h"

namespace wherry::schema {
namespace {

void visit(const Node& node, json::Value& value);

// Null in a map of texts is the empty text, elsewhere it is no value at all.
bool standsForNothing(const Node& node, std::string_view key, const json::Value& value) {
  if (!value.is_null() || node.type == Type::kAny) return false;
  const Node* property = node.property(key);
  return property && !property->nullable && property->type != Type::kAny;
}

void removeNulls(const Node& node, json::Object& object) {
  auto isNothing = [&](const auto& field) { return standsForNothing(node, field.key(), field.value()); };
  if (std::ranges::none_of(object, isNothing)) return;
  json::Object kept(object.storage());
  kept.reserve(object.size());
  for (auto& field : object) {
    if (!isNothing(field)) kept.emplace(field.key(), std::move(field.value()));
  }
  object = std::move(kept);
}

bool isUnset(const Node& node, const json::Value* value) {
  if (!value) return true;
  if (node.builtin && value->is_string() && value->get_string().empty()) return true;
  return node.zeroIsUnset && value->is_number() && value->to_number<double>() == 0;
}

void visitObject(const Node& node, json::Object& object) {
  removeNulls(node, object);
  for (const std::string& name : node.propertyOrder) {
    const Node& property = *node.property(name);
    if (property.defaultValue && isUnset(property, object.if_contains(name))) object[name] = *property.defaultValue;
  }
  for (auto& [key, value] : object) {
    if (const Node* property = node.property(key)) {
      visit(*property, value);
    } else if (node.additionalProperties) {
      if (value.is_null() && node.additionalProperties->builtin && node.additionalProperties->type == Type::kString) {
        value = "";
      }
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
