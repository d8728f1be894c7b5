#include "meta/node_selector.h"

#include <algorithm>

#include "base/strings.h"

namespace wherry::meta {

namespace {

const json::Array& listAt(const json::Object& object, std::string_view key) {
  static const json::Array kNone;
  const json::Value* list = object.if_contains(key);
  return list && list->is_array() ? list->get_array() : kNone;
}

std::string_view textOf(const json::Value& value) {
  return value.is_string() ? std::string_view(value.get_string()) : std::string_view();
}

bool contains(const json::Array& values, std::string_view wanted) {
  return std::any_of(values.begin(), values.end(), [&](const json::Value& value) { return textOf(value) == wanted; });
}

// Gt and Lt compare whole numbers; anything else matches neither.
bool compares(std::string_view op, const json::Array& values, std::string_view value) {
  const auto have = base::parseInt<int64_t>(value);
  const auto bound = values.empty() ? std::nullopt : base::parseInt<int64_t>(textOf(values[0]));
  if (!have || !bound) return false;
  if (op == "Gt") return *have > *bound;
  return op == "Lt" && *have < *bound;
}

// `value` is null when the node has no such label.
bool matches(const json::Value& requirement, const json::Value* value) {
  const auto op = json::getString(requirement, "operator");
  const bool there = value && value->is_string();
  if (op == "Exists") return there;
  if (op == "DoesNotExist") return !there;
  const json::Array& values = listAt(requirement.as_object(), "values");
  if (op == "NotIn") return !there || !contains(values, textOf(*value));
  if (!there) return false;
  return op == "In" ? contains(values, textOf(*value)) : compares(op, values, textOf(*value));
}

template <typename ValueOf>
bool matchesAll(const json::Array& requirements, ValueOf valueOf) {
  return std::all_of(requirements.begin(), requirements.end(), [&](const json::Value& requirement) {
    return requirement.is_object() && matches(requirement, valueOf(json::getString(requirement, "key")));
  });
}

}  // namespace

bool matchesNodeSelectorTerm(const json::Object& term, const Metadata& node) {
  const json::Array& expressions = listAt(term, "matchExpressions");
  const json::Array& fields = listAt(term, "matchFields");
  if (expressions.empty() && fields.empty()) return false;
  const json::Value name(node.name());
  return matchesAll(expressions, [&](std::string_view key) { return node.labels().if_contains(key); }) &&
         matchesAll(fields, [&](std::string_view key) { return key == "metadata.name" ? &name : nullptr; });
}

bool matchesNodeSelector(const json::Object& selector, const Metadata& node) {
  const json::Array& terms = listAt(selector, "nodeSelectorTerms");
  return std::any_of(terms.begin(), terms.end(), [&](const json::Value& term) {
    return term.is_object() && matchesNodeSelectorTerm(term.get_object(), node);
  });
}

}  // namespace wherry::meta
