#include "schema/apply_shape.h"

#include <map>

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

// The value of an element's key; a missing one has its default.
const json::Value* keyValue(const Node& item, const json::Value& element, const std::string& key) {
  const json::Object* object = element.if_object();
  if (const json::Value* value = object == nullptr ? nullptr : object->if_contains(key)) return value;
  const Node* property = item.property(key);
  return property != nullptr && property->defaultValue ? &*property->defaultValue : nullptr;
}

std::string elementName(const Node& list, const json::Value& element) {
  if (list.listType == ListType::kSet) return valueElement(element);
  std::map<std::string, const json::Value*> keys;
  for (const std::string& key : list.listMapKeys) {
    if (const json::Value* value = keyValue(*list.items, element, key)) keys[key] = value;
  }
  return keyElement(keys);
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

std::vector<std::pair<std::string, const json::Value*>> elementsOf(const Node& list, const json::Array& array) {
  std::vector<std::pair<std::string, const json::Value*>> elements;
  for (const json::Value& element : array) elements.emplace_back(elementName(list, element), &element);
  return elements;
}

}  // namespace wherry::schema
