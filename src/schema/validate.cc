#include <algorithm>
#include <cmath>
#include <unordered_map>
#include <unordered_set>

#include "schema/object_path.h"
#include "schema/object_rules.h"
#include "schema/value_rules.h"

namespace wherry::schema {
namespace {

constexpr std::string_view kTypeNames[] = {"",        "string", "integer", "number",
                                           "boolean", "object", "array",   "integer,string"};

bool hasType(Type type, const json::Value& value) {
  switch (type) {
    case Type::kAny:
      return true;
    case Type::kString:
      return value.is_string();
    case Type::kInteger:
      return value.is_int64() || value.is_uint64() ||
             (value.is_double() && std::trunc(value.get_double()) == value.get_double());
    case Type::kNumber:
      return value.is_number();
    case Type::kBoolean:
      return value.is_bool();
    case Type::kObject:
      return value.is_object();
    case Type::kArray:
      return value.is_array();
    case Type::kIntOrString:
      return value.is_string() || hasType(Type::kInteger, value);
  }
  return false;
}

// What an item of a list is told apart by: its keys in a list of type map, else the whole of it.
json::Value identityOf(const Node& list, const json::Value& item) {
  if (list.listType != ListType::kMap || !item.is_object()) return item;
  json::Object keys;
  for (const std::string& key : list.listMapKeys) {
    if (const json::Value* value = item.get_object().if_contains(key)) keys[key] = *value;
  }
  return json::Value(std::move(keys));
}

// The items that a list had before, by their keys. Empty when the list has none to tell them by.
class OldItems {
 public:
  OldItems(const Node& list, const json::Value* old) : list_(list) {
    if (list.listType != ListType::kMap || !old || !old->is_array()) return;
    for (const json::Value& item : old->get_array()) items_.emplace(json::serialize(identityOf(list, item)), &item);
  }

  const json::Value* find(const json::Value& item) const {
    if (items_.empty()) return nullptr;
    auto found = items_.find(json::serialize(identityOf(list_, item)));
    return found == items_.end() ? nullptr : found->second;
  }

 private:
  const Node& list_;
  std::unordered_map<std::string, const json::Value*> items_;
};

class Validator {
 public:
  void visit(const Node& node, const json::Value& value, const json::Value* old, const ObjectPath& path) {
    if (errors_.size() >= kMaxFindings) return;
    if (value.is_null() && (node.nullable || node.builtin)) return;
    // What an update leaves as it was is not held against it (KEP-4008).
    if (!node.builtin && old && !path.root() && json::equal(*old, value)) return;
    if (!hasType(node.type, value)) return addTypeError(node, value, path);
    checkValue(node, value, path, errors_);
    if (node.immutable && old && !json::equal(*old, value)) {
      errors_.push_back(meta::invalidField(path.text(), value, "field is immutable"));
    }
    if (const json::Object* object = value.if_object()) visitFields(node, *object, old, path);
    if (const json::Array* array = value.if_array()) visitItems(node, *array, old, path);
    checkAlternatives(node, value, path);
  }

  meta::FieldErrors takeErrors() { return std::move(errors_); }

 private:
  static bool isMissing(const Node& node, const json::Value* value) {
    if (!value || value->is_null()) return true;
    if (!node.builtin) return false;
    if (node.zeroIsUnset && value->is_number()) return value->to_number<double>() == 0;
    if (value->is_string()) return value->get_string().empty() && !node.defaultValue;
    return value->is_array() && value->get_array().empty() && node.minItems.value_or(0) > 0;
  }

  void visitFields(const Node& node, const json::Object& object, const json::Value* old, const ObjectPath& path) {
    const json::Object* oldFields = old ? old->if_object() : nullptr;
    for (const std::string& name : node.required) {
      const Node* property = node.property(name);
      static const Node kUntyped;
      if (isMissing(property ? *property : kUntyped, object.if_contains(name))) {
        errors_.push_back(meta::requiredField(path.field(name).text()));
      }
    }
    for (const auto& [key, value] : object) {
      const json::Value* oldValue = oldFields ? oldFields->if_contains(key) : nullptr;
      if (const Node* property = node.property(key)) {
        if (property->builtin && isMissing(*property, &value)) continue;  // said above, when it matters
        visit(*property, value, oldValue, path.field(key));
      } else if (node.additionalProperties) {
        visit(*node.additionalProperties, value, oldValue, path.key(key));
      }
    }
    checkRemoved(node, object, oldFields, path);
  }

  // Taking away an immutable field is a change too.
  void checkRemoved(const Node& node, const json::Object& object, const json::Object* old, const ObjectPath& path) {
    if (!old) return;
    for (const auto& [key, value] : *old) {
      const Node* property = node.property(key);
      if (!property || !property->immutable || object.if_contains(key)) continue;
      errors_.push_back(meta::invalidField(path.field(key).text(), json::Value(), "field is immutable"));
    }
  }

  void visitItems(const Node& node, const json::Array& array, const json::Value* old, const ObjectPath& path) {
    if (!node.items) return;
    OldItems oldItems(node, old);
    for (size_t i = 0; i < array.size(); ++i) visit(*node.items, array[i], oldItems.find(array[i]), path.item(i));
    // Built-in lists say with their keys how to merge; which of them may not repeat is their hook's matter.
    bool unique = node.uniqueItems || (!node.builtin && node.listType != ListType::kAtomic);
    if (unique) checkUnique(node, array, path);
  }

  void checkUnique(const Node& node, const json::Array& array, const ObjectPath& path) {
    std::unordered_set<std::string> seen;
    for (size_t i = 0; i < array.size(); ++i) {
      json::Value identity = identityOf(node, array[i]);
      if (!seen.insert(json::serialize(identity)).second) {
        errors_.push_back(meta::duplicateField(path.item(i).text(), identity));
      }
    }
  }

  static bool accepts(const Node& node, const json::Value& value, const ObjectPath& path) {
    Validator validator;
    validator.visit(node, value, nullptr, path);
    return validator.errors_.empty();
  }

  void checkAlternatives(const Node& node, const json::Value& value, const ObjectPath& path) {
    auto accepted = [&](const NodePtr& each) { return accepts(*each, value, path); };
    auto fail = [&](const std::string& rule) {
      errors_.push_back(meta::invalidField(path.text(), value, path.text() + " in body " + rule));
    };
    for (const NodePtr& each : node.allOf) visit(*each, value, nullptr, path);
    if (!node.anyOf.empty() && std::ranges::none_of(node.anyOf, accepted)) {
      fail("must validate at least one schema (anyOf)");
    }
    if (!node.oneOf.empty() && std::ranges::count_if(node.oneOf, accepted) != 1) {
      fail("must validate one and only one schema (oneOf)");
    }
    if (node.notNode && accepted(node.notNode)) fail("must not validate the schema (not)");
  }

  void addTypeError(const Node& node, const json::Value& value, const ObjectPath& path) {
    std::string type(kTypeNames[static_cast<size_t>(node.type)]);
    errors_.push_back(meta::typeInvalidField(
        path.text(), value, path.text() + " in body must be of type " + type + ": " + json::serialize(value)));
  }

  meta::FieldErrors errors_;
};

}  // namespace

meta::FieldErrors validate(const Node& schema, const json::Value& object, const json::Value* old) {
  Validator validator;
  validator.visit(schema, object, old, {});
  return validator.takeErrors();
}

}  // namespace wherry::schema
