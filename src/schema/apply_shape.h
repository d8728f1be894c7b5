// What kind of a place in an object this is to server-side apply. Pure.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "json/value.h"
#include "schema/kind.h"

namespace wherry::schema {

enum class Shape { kLeaf, kMap, kList };

// A null `node` is a place that the schema does not describe: maps have fields there, lists are one value.
Shape shapeOf(const Node* node, const json::Value& value);

// The schema of a field or of a map's value; null when it is unknown.
const Node* fieldNode(const Node* node, std::string_view name);

// `name` is a field of a struct, not the key of a map.
bool isNamedField(const Node* node, std::string_view name);

// The path element of one of a list's elements, by its keys or its value.
std::string elementName(const Node& list, const json::Value& element);

// Why `element` can't be told from others in `list`, in upstream's words; "" when it can.
std::string whyWithoutName(const Node& list, const json::Value& element);

// The elements of a list with their path elements, in order.
std::vector<std::pair<std::string, const json::Value*>> elementsOf(const Node& list, const json::Array& array);

}  // namespace wherry::schema
