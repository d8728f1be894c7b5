// Sets of fields of an object, as server-side apply keeps them in metadata.managedFields (KEP-555, "FieldsV1"). A set
// is a tree of path elements, written as the wire has them: "f:name" a field, `k:{"name":"c"}` the element of a list
// with these keys, `v:"x"` the element of a set with this value. Values; safe from any thread as long as nobody changes
// them.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "json/value.h"

namespace wherry::schema {

struct FieldSet {
  bool member = false;  // the place itself belongs to the set, not only places below
  std::map<std::string, FieldSet, std::less<>> children;

  bool empty() const { return !member && children.empty(); }
  const FieldSet* find(std::string_view element) const;
  // Puts `child` below this place, unless it is empty.
  void attach(std::string element, FieldSet child);

  void unite(const FieldSet& other);
  FieldSet minus(const FieldSet& other) const;
  FieldSet intersect(const FieldSet& other) const;

  // Every member, in order, as messages write it: ".spec.ports[port=80].name".
  void visit(const std::function<void(const std::string& path)>& visitor) const;

  json::Value toJson() const;
  // Throws json::ParseError when `fields` is no FieldsV1.
  static FieldSet fromJson(const json::Value& fields);
};

// A path element as messages write it: `.name`, `[name="c",port=80]`, `[="x"]`.
std::string elementText(std::string_view element);

std::string fieldElement(std::string_view name);
std::string valueElement(const json::Value& value);
std::string keyElement(const std::map<std::string, const json::Value*>& keys);

}  // namespace wherry::schema
