#include "schema/apply_shape.h"

#include <map>

#include <fmt/format.h>

#include "schema/apply_field_set.h"

namespace wherry::schema {
namespace {

// An object without known fields: free in a custom resource, one opaque value in a built-in (RawExtension).
bool isOpaque(const Node& node) {
  if (!node.properties.empty() || node.additionalProperties) return false;
  return !node.preserveUnknownFields || node.builtin;
}

Shape shapeOfDescribed(const Node& node, const json::Value& value) {
  bool maybeMap = node.type == Type::kObject || (node.type == Type::kAny && node.preserveUnknownFields);
  if (maybeMap && (value.is_object() || value.is_null())) {
    return node.atomicMap || isOpaque(node) ? Shape::kLeaf : Shape::kMap;
  }
  if (node.type == Type::kArray && (value.is_array() || value.is_null())) {
    return node.listType == ListType::kAtomic ? Shape::kLeaf : Shape::kList;
  }
  return Shape::kLeaf;
}

// What a built-in struct has in a required field that nobody set: the zero of its type.
const json::Value* zeroKey(const Node& item, const Node& property, const std::string& key) {
  static const json::Value kEmpty = "", kZero = 0;
  if (!item.builtin || std::ranges::find(item.required, key) == item.required.end()) return nullptr;
  if (property.type == Type::kString) return &kEmpty;
  return property.type == Type::kInteger ? &kZero : nullptr;
}

// The value of an element's key; a missing one has its default.
const json::Value* keyValue(const Node& item, const json::Value& element, const std::string& key) {
  const json::Object* object = element.if_object();
  if (const json::Value* value = object == nullptr ? nullptr : object->if_contains(key)) return value;
  const Node* property = item.property(key);
  if (property == nullptr) return nullptr;
  return property->defaultValue ? &*property->defaultValue : zeroKey(item, *property, key);
}

std::string whyWithoutKey(const Node& list, const json::Value& element) {
  if (element.is_null()) return "associative list with keys may not have a null element";
  if (!element.is_object()) return "associative list with keys may not have non-map elements";
  for (const std::string& key : list.listMapKeys) {
    if (keyValue(*list.items, element, key) != nullptr) continue;
    return fmt::format(
        "associative list with keys has an element that omits key field \"{}\" (and doesn't have default value)", key);
  }
  return "";
}

}  // namespace

Shape shapeOf(const Node* node, const json::Value& value) {
  if (node != nullptr) return shapeOfDescribed(*node, value);
  return value.is_object() ? Shape::kMap : Shape::kLeaf;
}

const Node* fieldNode(const Node* node, std::string_view name) {
  if (node == nullptr) return nullptr;
  if (const Node* property = node->property(name)) return property;
  return node->additionalProperties.get();
}

bool isNamedField(const Node* node, std::string_view name) {
  return node != nullptr && node->property(name) != nullptr;
}

std::string elementName(const Node& list, const json::Value& element) {
  if (list.listType == ListType::kSet) return valueElement(element);
  std::map<std::string, const json::Value*> keys;
  for (const std::string& key : list.listMapKeys) {
    if (const json::Value* value = keyValue(*list.items, element, key)) keys[key] = value;
  }
  return keyElement(keys);
}

std::string whyWithoutName(const Node& list, const json::Value& element) {
  if (list.listType == ListType::kMap) return whyWithoutKey(list, element);
  if (element.is_object()) return "associative list without keys has an element that's a map type";
  if (element.is_array()) return "not supported: associative list with lists as elements";
  return element.is_null() ? "associative list without keys has an element that's an explicit null" : "";
}

std::vector<std::pair<std::string, const json::Value*>> elementsOf(const Node& list, const json::Array& array) {
  std::vector<std::pair<std::string, const json::Value*>> elements;
  for (const json::Value& element : array) elements.emplace_back(elementName(list, element), &element);
  return elements;
}

}  // namespace wherry::schema
