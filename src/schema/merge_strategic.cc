// Strategic merge patch: lists are merged by the merge key that the schema gives, and directives inside of the patch
// say what a plain merge can't. The order of merged lists follows apimachinery's, so that `kubectl apply` sees no
// change where there is none.
#include <algorithm>
#include <functional>
#include <optional>
#include <unordered_map>

#include "json/patch.h"
#include "schema/merge.h"

namespace wherry::schema {
namespace {

using json::Array;
using json::Object;
using json::PatchError;
using json::Value;

constexpr std::string_view kPatch = "$patch";
constexpr std::string_view kRetainKeys = "$retainKeys";
constexpr std::string_view kSetElementOrder = "$setElementOrder/";
constexpr std::string_view kDeleteFromPrimitiveList = "$deleteFromPrimitiveList/";

bool isDirective(std::string_view key) {
  return key == kPatch || key == kRetainKeys || key.starts_with(kSetElementOrder) ||
         key.starts_with(kDeleteFromPrimitiveList);
}

void eraseKey(Object& object, std::string_view key) {
  if (auto at = object.find(key); at != object.end()) object.stable_erase(at);
}

const Node* childOf(const Node* schema, std::string_view key) {
  if (schema == nullptr) return nullptr;
  if (const Node* property = schema->property(key)) return property;
  return schema->additionalProperties.get();
}

bool hasStrategy(const Node* schema, std::string_view strategy) {
  return schema != nullptr && std::ranges::find(schema->patchStrategies, strategy) != schema->patchStrategies.end();
}

// The list that a directive such as $setElementOrder/x carries.
const Array& arrayOf(const Value& value, std::string_view directive) {
  const Array* array = value.if_array();
  if (array == nullptr) throw PatchError("the value of " + std::string(directive) + " must be a list");
  return *array;
}

// What tells an element of a merged list from the others: its merge key, or itself when there is none.
std::string identityOf(const Value& element, const std::string& mergeKey) {
  if (mergeKey.empty()) return json::serialize(element);
  const Object* object = element.if_object();
  const Value* key = object == nullptr ? nullptr : object->if_contains(mergeKey);
  if (key == nullptr) {
    throw PatchError("map: " + json::serialize(element) + " does not contain declared merge key: " + mergeKey);
  }
  return json::serialize(*key);
}

// Where each element stands in a list.
class Positions {
 public:
  Positions(const Array& list, const std::string& mergeKey) {
    for (size_t i = 0; i < list.size(); ++i) at_.emplace(identityOf(list[i], mergeKey), i);
  }

  std::optional<size_t> find(const std::string& identity) const {
    auto found = at_.find(identity);
    return found == at_.end() ? std::nullopt : std::optional(found->second);
  }

 private:
  std::unordered_map<std::string, size_t> at_;
};

struct Element {
  Value value;
  std::string identity;
};

void sortBy(std::vector<Element>& elements, const Positions& order) {
  std::ranges::stable_sort(elements, {}, [&](const Element& element) { return order.find(element.identity); });
}

// Elements that `wanted` names come in its order; the others stay where they were among them, in the order that the
// list had before.
Array order(Array merged, const Array& wanted, const Array& before, const std::string& mergeKey) {
  Positions wantedAt(wanted, mergeKey);
  Positions beforeAt(before, mergeKey);
  std::vector<Element> named, others;
  for (Value& value : merged) {
    std::string identity = identityOf(value, mergeKey);
    auto& group = wantedAt.find(identity) ? named : others;
    group.push_back({std::move(value), std::move(identity)});
  }
  sortBy(named, wantedAt);
  sortBy(others, beforeAt);
  Array result;
  auto other = others.begin();
  for (Element& element : named) {
    auto position = beforeAt.find(element.identity);
    while (position && other != others.end() && beforeAt.find(other->identity) < position) {
      result.push_back(std::move((other++)->value));
    }
    result.push_back(std::move(element.value));
  }
  for (; other != others.end(); ++other) result.push_back(std::move(other->value));
  return result;
}

// The directive of an object; "" when it has none.
std::string_view directiveOf(const Object& object) {
  const Value* directive = object.if_contains(kPatch);
  if (directive == nullptr) return "";
  if (!directive->is_string()) throw PatchError("unknown patch type found: " + json::serialize(*directive));
  return directive->get_string();
}

std::string_view directiveOf(const Value& value) {
  return value.is_object() ? directiveOf(value.get_object()) : std::string_view();
}

// What a patch says where the document has nothing: its value without directives and nulls.
Value withoutDirectives(const Value& patch) {
  if (const Array* array = patch.if_array()) {
    Array result;
    for (const Value& element : *array) {
      bool onlyDirective = element.is_object() && element.get_object().size() == 1 && !directiveOf(element).empty();
      if (directiveOf(element) != "delete" && !onlyDirective) result.push_back(withoutDirectives(element));
    }
    return result;
  }
  const Object* object = patch.if_object();
  if (object == nullptr) return patch;
  Object result;
  for (const auto& member : *object) {
    if (!isDirective(member.key()) && !member.value().is_null()) {
      result[member.key()] = withoutDirectives(member.value());
    }
  }
  return result;
}

void mergeObject(const Node* schema, Object& document, const Object& patch);

// A list of a patch, its elements with a directive set apart.
struct ListPatch {
  Array elements;
  std::vector<std::string> deleted;  // identities
  bool replaces = false;
};

ListPatch readListPatch(const Array& patch, const std::string& mergeKey) {
  ListPatch result;
  for (const Value& element : patch) {
    std::string_view directive = directiveOf(element);
    if (directive.empty()) {
      result.elements.push_back(element);
    } else if (directive == "delete") {
      if (mergeKey.empty()) throw PatchError("delete patch type with no merge key defined");
      result.deleted.push_back(identityOf(element, mergeKey));
    } else if (directive == "replace") {
      result.replaces = true;
    } else if (directive == "merge") {
      throw PatchError("merging lists cannot yet be specified in the patch");
    } else {
      throw PatchError("unknown patch type found: " + std::string(directive));
    }
  }
  return result;
}

// Merges elements into a list without changing its order; new ones are appended.
Array mergeElements(const Node* itemSchema, const Array& list, const ListPatch& patch, const std::string& mergeKey) {
  if (patch.replaces) return withoutDirectives(patch.elements).get_array();
  Array merged;
  std::unordered_map<std::string, size_t> at;
  for (const Value& element : list) {
    std::string identity = identityOf(element, mergeKey);
    if (std::ranges::find(patch.deleted, identity) != patch.deleted.end()) continue;
    at.emplace(std::move(identity), merged.size());
    merged.push_back(element);
  }
  for (const Value& element : patch.elements) {
    auto [found, isNew] = at.emplace(identityOf(element, mergeKey), merged.size());
    if (isNew) {
      merged.push_back(withoutDirectives(element));
    } else if (element.is_object() && merged[found->second].is_object()) {
      mergeObject(itemSchema, merged[found->second].get_object(), element.get_object());
    }
  }
  return merged;
}

void mergeList(const Node* schema, Array& list, const Array& patch) {
  if (!hasStrategy(schema, "merge")) return static_cast<void>(list = withoutDirectives(patch).get_array());
  const std::string& mergeKey = schema->patchMergeKey;
  ListPatch read = readListPatch(patch, mergeKey);
  Array merged = mergeElements(schema->items.get(), list, read, mergeKey);
  list = read.replaces ? std::move(merged) : order(std::move(merged), read.elements, list, mergeKey);
}

// $setElementOrder/x names all elements that the patch's author knows, in their order.
void mergeOrderedList(const Node* schema, Object& document, const Object& patch, std::string_view key,
                      const Array& wanted) {
  const std::string mergeKey = schema == nullptr ? "" : schema->patchMergeKey;
  const Value* change = patch.if_contains(key);
  const Value* live = document.if_contains(key);
  if ((change != nullptr && !change->is_array()) || (live != nullptr && !live->is_array())) return;
  if (change == nullptr && live == nullptr) return;
  ListPatch read = change == nullptr ? ListPatch() : readListPatch(change->get_array(), mergeKey);
  Positions wantedAt(wanted, mergeKey);
  for (const Value& element : read.elements) {
    if (!wantedAt.find(identityOf(element, mergeKey))) {
      throw PatchError("the elements of " + std::string(key) + " do not match " + std::string(kSetElementOrder) +
                       std::string(key));
    }
  }
  Array before = live == nullptr ? Array() : live->get_array();
  Array merged = mergeElements(schema == nullptr ? nullptr : schema->items.get(), before, read, mergeKey);
  document[key] = order(std::move(merged), wanted, before, mergeKey);
}

void deleteFromPrimitiveList(Object& document, std::string_view key, const Array& deleted) {
  Value* live = document.if_contains(key);
  if (live == nullptr || !live->is_array()) return;
  Array rest;
  for (const Value& element : live->get_array()) {
    if (std::ranges::none_of(deleted, [&](const Value& each) { return json::equal(each, element); })) {
      rest.push_back(element);
    }
  }
  *live = std::move(rest);
}

// $retainKeys: of a union only these members stay.
void retainKeys(Object& document, const Object& patch) {
  const Value* directive = patch.if_contains(kRetainKeys);
  if (directive == nullptr) return;
  const Array& retained = arrayOf(*directive, kRetainKeys);
  auto isRetained = [&](std::string_view key) {
    return std::ranges::any_of(
        retained, [&](const Value& each) { return each.is_string() && std::string_view(each.get_string()) == key; });
  };
  for (const auto& member : patch) {
    if (!isDirective(member.key()) && !member.value().is_null() && !isRetained(member.key())) {
      throw PatchError("the fields of a patch with $retainKeys must all be among the keys that it retains");
    }
  }
  Object rest;
  for (auto& member : document) {
    if (isRetained(member.key())) rest[member.key()] = std::move(member.value());
  }
  document = std::move(rest);
}

void mergeMember(const Node* schema, Object& document, std::string_view key, const Value& change) {
  if (change.is_null()) return eraseKey(document, key);
  Value* live = document.if_contains(key);
  if (live != nullptr && live->is_object() && change.is_object() && !hasStrategy(schema, "replace")) {
    mergeObject(schema, live->get_object(), change.get_object());
  } else if (live != nullptr && live->is_array() && change.is_array()) {
    mergeList(schema, live->get_array(), change.get_array());
  } else {
    document[key] = withoutDirectives(change);
  }
}

// Does what the list directives of `patch` say; the keys of lists that are then done.
std::vector<std::string_view> mergeListDirectives(const Node* schema, Object& document, const Object& patch) {
  std::vector<std::string_view> done;
  for (const auto& member : patch) {
    std::string_view key = member.key();
    if (key.starts_with(kDeleteFromPrimitiveList)) {
      deleteFromPrimitiveList(document, key.substr(kDeleteFromPrimitiveList.size()), arrayOf(member.value(), key));
    }
  }
  for (const auto& member : patch) {
    std::string_view key = member.key();
    if (!key.starts_with(kSetElementOrder)) continue;
    std::string_view list = key.substr(kSetElementOrder.size());
    mergeOrderedList(childOf(schema, list), document, patch, list, arrayOf(member.value(), key));
    if (const Value* change = patch.if_contains(list); change != nullptr && change->is_array()) done.push_back(list);
  }
  return done;
}

void mergeObject(const Node* schema, Object& document, const Object& patch) {
  std::string_view directive = directiveOf(patch);
  if (directive == "replace") return static_cast<void>(document = withoutDirectives(patch).get_object());
  if (directive == "delete") return document.clear();
  if (!directive.empty() && directive != "merge") {
    throw PatchError("unknown patch type found: " + std::string(directive));
  }
  retainKeys(document, patch);
  std::vector<std::string_view> done = mergeListDirectives(schema, document, patch);
  for (const auto& member : patch) {
    if (isDirective(member.key()) || std::ranges::find(done, std::string_view(member.key())) != done.end()) continue;
    mergeMember(childOf(schema, member.key()), document, member.key(), member.value());
  }
}

}  // namespace

void applyStrategicMergePatch(const Node& schema, Value& document, const Value& patch) {
  if (!patch.is_object() || !document.is_object()) throw PatchError("a strategic merge patch is an object");
  mergeObject(&schema, document.get_object(), patch.get_object());
}

}  // namespace wherry::schema
