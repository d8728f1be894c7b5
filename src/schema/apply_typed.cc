#include "schema/apply_typed.h"

#include <algorithm>
#include <unordered_map>

#include "schema/apply_shape.h"

namespace wherry::schema {
namespace {

using json::Array;
using json::Object;
using json::Value;

using Elements = std::vector<std::pair<std::string, const Value*>>;

Elements listElements(const Node& list, const Value* value) {
  return value != nullptr && value->is_array() ? elementsOf(list, value->get_array()) : Elements();
}

// The elements of each name. Nothing applied repeats a name, but creates and updates may.
using Named = std::unordered_map<std::string_view, std::vector<const Value*>>;

Named byName(const Elements& elements) {
  Named named;
  for (const auto& [name, element] : elements) named[name].push_back(element);
  return named;
}

bool isNullOrEmptyMap(const Value& value) {
  return value.is_null() || (value.is_object() && value.get_object().empty());
}

FieldSet collect(const Node* node, const Value& value);

FieldSet collectMap(const Node* node, const Object& object) {
  FieldSet set;
  for (const auto& member : object) {
    FieldSet child = collect(fieldNode(node, member.key()), member.value());
    child.member = child.member || isNullOrEmptyMap(member.value()) || !isNamedField(node, member.key());
    set.attach(fieldElement(member.key()), std::move(child));
  }
  return set;
}

FieldSet collect(const Node* node, const Value& value) {
  Shape shape = shapeOf(node, value);
  if (shape == Shape::kLeaf) return FieldSet{true, {}};
  if (shape == Shape::kMap) return value.is_object() ? collectMap(node, value.get_object()) : FieldSet();
  FieldSet set;
  Elements elements = listElements(*node, &value);
  for (const auto& [name, same] : byName(elements)) {
    FieldSet child = same.size() == 1 ? collect(node->items.get(), *same.front()) : FieldSet();
    child.member = true;
    set.attach(std::string(name), std::move(child));
  }
  return set;
}

// Structs that Kubernetes fills in with an empty one, but that its objects can be without.
bool isOptionalStruct(std::string_view name, const Node& property) {
  return property.atomicMap || name == "securityContext" || name == "persistentVolumeClaimRetentionPolicy";
}

// What a struct of the built-in API has where the wire has nothing; null for fields that may be missing.
const Value* zeroValue(const Node* parent, std::string_view name) {
  static const Value kEmptyStruct = Object();
  static const Value kNull;
  if (parent == nullptr || !parent->builtin) return nullptr;
  const Node* property = parent->property(name);
  if (property == nullptr) return nullptr;
  const std::optional<Value>& fallback = property->defaultValue;
  if (fallback && isNullOrEmptyMap(*fallback)) return isOptionalStruct(name, *property) ? nullptr : &kEmptyStruct;
  if (std::ranges::find(parent->required, name) == parent->required.end()) return nullptr;
  return fallback ? &*fallback : &kNull;
}

class Comparer {
 public:
  static Comparison compare(const Node* node, const Value* before, const Value* after) {
    Comparison result;
    Shape shape = shapeOfBoth(node, before, after);
    if (shape == Shape::kLeaf || (isEmpty(before) && isEmpty(after))) {
      compareLeaf(result, before, after);
      return result;
    }
    if (shape == Shape::kMap) compareMaps(result, node, before, after);
    if (shape == Shape::kList) compareLists(result, *node, before, after);
    result.added.member = before == nullptr;
    result.removed.member = after == nullptr;
    return result;
  }

 private:
  static Shape shapeOfBoth(const Node* node, const Value* before, const Value* after) {
    Shape left = before == nullptr ? Shape::kLeaf : shapeOf(node, *before);
    Shape right = after == nullptr ? Shape::kLeaf : shapeOf(node, *after);
    if (before == nullptr || before->is_null()) return right;
    if (after == nullptr || after->is_null()) return left;
    return left == right ? left : Shape::kLeaf;
  }

  static bool isEmpty(const Value* value) {
    if (value == nullptr || value->is_null()) return true;
    return value->is_object() ? value->get_object().empty() : value->is_array() && value->get_array().empty();
  }

  static void compareLeaf(Comparison& result, const Value* before, const Value* after) {
    result.added.member = before == nullptr;
    result.removed.member = after == nullptr;
    result.modified.member = before != nullptr && after != nullptr && !json::equal(*before, *after);
  }

  static void attach(Comparison& result, const std::string& element, Comparison child) {
    result.added.attach(element, std::move(child.added));
    result.modified.attach(element, std::move(child.modified));
    result.removed.attach(element, std::move(child.removed));
  }

  static const Value* member(const Value* object, std::string_view name) {
    return object != nullptr && object->is_object() ? object->get_object().if_contains(name) : nullptr;
  }

  static void compareMaps(Comparison& result, const Node* node, const Value* before, const Value* after) {
    auto compareMember = [&](std::string_view name) {
      const Value* left = member(before, name);
      const Value* right = member(after, name);
      if (left == nullptr && before != nullptr) left = zeroValue(node, name);
      if (right == nullptr && after != nullptr) right = zeroValue(node, name);
      if (left == nullptr && right == nullptr) return;
      attach(result, fieldElement(name), compare(fieldNode(node, name), left, right));
    };
    forEachKey(node, before, after, compareMember);
  }

  // Every key that either object has, and those that a struct has when it comes or goes as a whole.
  template <typename F>
  static void forEachKey(const Node* node, const Value* before, const Value* after, F visit) {
    auto isIn = [](const Value* object, std::string_view name) { return member(object, name) != nullptr; };
    for (const Value* object : {before, after}) {
      if (object == nullptr || !object->is_object()) continue;
      for (const auto& entry : object->get_object()) {
        if (object == before || !isIn(before, entry.key())) visit(entry.key());
      }
    }
    if (node == nullptr || (before != nullptr && after != nullptr)) return;
    for (const std::string& name : node->propertyOrder) {
      if (!isIn(before, name) && !isIn(after, name)) visit(name);
    }
  }

  static void compareLists(Comparison& result, const Node& node, const Value* before, const Value* after) {
    static const std::vector<const Value*> kNone;
    Elements left = listElements(node, before);
    Elements right = listElements(node, after);
    Named leftByName = byName(left);
    Named rightByName = byName(right);
    for (const auto& [name, elements] : leftByName) {
      auto other = rightByName.find(name);
      attach(result, std::string(name),
             compareElements(node.items.get(), elements, other == rightByName.end() ? kNone : other->second));
    }
    for (const auto& [name, elements] : rightByName) {
      if (leftByName.contains(name)) continue;
      attach(result, std::string(name), compareElements(node.items.get(), kNone, elements));
    }
  }

  // Elements of one name. Repeated ones are one value, that comes and goes and changes as a whole.
  static Comparison compareElements(const Node* node, const std::vector<const Value*>& before,
                                    const std::vector<const Value*>& after) {
    auto first = [](const std::vector<const Value*>& elements) { return elements.empty() ? nullptr : elements[0]; };
    if (before.size() < 2 && after.size() < 2) return compare(node, first(before), first(after));
    Comparison result;
    if (before.size() > 1 && after.size() > 1) {
      auto same = [](const Value* one, const Value* other) { return json::equal(*one, *other); };
      result.modified.member = !std::ranges::equal(before, after, same);
    } else if (before.size() > 1) {
      if (!after.empty()) result = compare(node, nullptr, after[0]);
      result.removed.member = true;
    } else {
      if (!before.empty()) result = compare(node, before[0], nullptr);
      result.added.member = true;
    }
    return result;
  }
};

Value merge(const Node* node, const Value& live, const Value& applied);

Value mergeMaps(const Node* node, const Object& live, const Object& applied) {
  Object merged = live;
  for (const auto& member : applied) {
    Value* target = merged.if_contains(member.key());
    if (target == nullptr) {
      merged[member.key()] = member.value();
    } else {
      *target = merge(fieldNode(node, member.key()), *target, member.value());
    }
  }
  return merged;
}

// Elements that both have come in the order of `applied`, those of `live` alone stay in front of the one they were in
// front of. What `live` repeats, `applied` replaces.
Value mergeLists(const Node& node, const Array& live, const Array& applied) {
  Elements left = elementsOf(node, live);
  Elements right = elementsOf(node, applied);
  Named leftByName = byName(left);
  std::unordered_map<std::string_view, size_t> positions;
  for (size_t i = 0; i < right.size(); ++i) positions.emplace(right[i].first, i);
  Array merged;
  size_t next = 0;
  auto takeUntil = [&](size_t end) {
    for (; next < end; ++next) {
      const auto& [name, element] = right[next];
      auto known = leftByName.find(name);
      bool isOne = known != leftByName.end() && known->second.size() == 1;
      merged.push_back(isOne ? merge(node.items.get(), *known->second[0], *element) : *element);
    }
  };
  for (const auto& [name, element] : left) {
    auto position = positions.find(name);
    if (position == positions.end()) {
      merged.push_back(*element);
    } else {
      takeUntil(position->second + 1);
    }
  }
  takeUntil(right.size());
  return merged;
}

Value merge(const Node* node, const Value& live, const Value& applied) {
  Shape shape = shapeOf(node, applied);
  if (shape == Shape::kMap && live.is_object() && applied.is_object()) {
    return mergeMaps(node, live.get_object(), applied.get_object());
  }
  if (shape == Shape::kList && live.is_array() && applied.is_array()) {
    return mergeLists(*node, live.get_array(), applied.get_array());
  }
  return applied;
}

Value remove(const Node* node, const Value& value, const FieldSet& fields);

Value removeFromMap(const Node* node, const Object& object, const FieldSet& fields) {
  Object rest;
  for (const auto& member : object) {
    const FieldSet* below = fields.find(fieldElement(member.key()));
    if (below == nullptr) {
      rest[member.key()] = member.value();
    } else if (!below->member) {
      Value kept = remove(fieldNode(node, member.key()), member.value(), *below);
      if (!kept.is_null()) rest[member.key()] = std::move(kept);
    }
  }
  return rest.empty() ? Value() : Value(std::move(rest));
}

Value removeFromList(const Node& node, const Array& array, const FieldSet& fields) {
  Array rest;
  for (const auto& [name, element] : elementsOf(node, array)) {
    const FieldSet* below = fields.find(name);
    if (below == nullptr) {
      rest.push_back(*element);
    } else if (!below->member) {
      Value kept = remove(node.items.get(), *element, *below);
      if (!kept.is_null()) rest.push_back(std::move(kept));
    }
  }
  return rest.empty() ? Value() : Value(std::move(rest));
}

Value remove(const Node* node, const Value& value, const FieldSet& fields) {
  Shape shape = shapeOf(node, value);
  if (shape == Shape::kMap && value.is_object()) return removeFromMap(node, value.get_object(), fields);
  if (shape == Shape::kList && value.is_array()) return removeFromList(*node, value.get_array(), fields);
  return value;
}

const Node* elementNode(const Node* node, std::string_view element) {
  if (element.starts_with("f:")) return fieldNode(node, element.substr(2));
  return node == nullptr ? nullptr : node->items.get();
}

FieldSet addNamedFields(const Node* node, const FieldSet& fields) {
  FieldSet result{fields.member, {}};
  for (const auto& [element, child] : fields.children) {
    FieldSet below = addNamedFields(elementNode(node, element), child);
    bool isField = std::string_view(element).starts_with("f:");
    below.member = below.member || (isField && isNamedField(node, std::string_view(element).substr(2)));
    result.attach(element, std::move(below));
  }
  return result;
}

}  // namespace

FieldSet Comparison::changed() const {
  FieldSet result = added;
  result.unite(modified);
  return result;
}

FieldSet fieldsOf(const Node& schema, const Value& value) { return collect(&schema, value); }

Comparison compareObjects(const Node& schema, const Value& before, const Value& after) {
  return Comparer::compare(&schema, &before, &after);
}

Value mergeApplied(const Node& schema, const Value& live, const Value& applied) {
  return merge(&schema, live, applied);
}

Value withoutFields(const Node& schema, const Value& value, const FieldSet& fields) {
  return remove(&schema, value, fields);
}

FieldSet withNamedFields(const Node& schema, const FieldSet& fields) { return addNamedFields(&schema, fields); }

}  // namespace wherry::schema
