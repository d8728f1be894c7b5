#include "meta/selector.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/strings.h"
#include "meta/status.h"

namespace wherry::meta {
namespace {

using Operator = LabelSelector::Operator;
using Requirement = LabelSelector::Requirement;

bool contains(const std::vector<std::string>& values, std::string_view value) {
  return std::find(values.begin(), values.end(), value) != values.end();
}

bool compares(const Requirement& requirement, std::string_view value) {
  auto actual = base::parseInt<int64_t>(value);
  auto bound = base::parseInt<int64_t>(requirement.values.at(0));
  if (!actual || !bound) return false;
  return requirement.op == Operator::kGreaterThan ? *actual > *bound : *actual < *bound;
}

bool holds(const Requirement& requirement, std::optional<std::string_view> value) {
  switch (requirement.op) {
    case Operator::kEquals:
    case Operator::kIn:
      return value && contains(requirement.values, *value);
    case Operator::kNotEquals:
    case Operator::kNotIn:
      return !value || !contains(requirement.values, *value);
    case Operator::kExists:
      return value.has_value();
    case Operator::kDoesNotExist:
      return !value;
    case Operator::kGreaterThan:
    case Operator::kLessThan:
      return value && compares(requirement, *value);
  }
  return false;
}

std::string renderRequirement(const Requirement& requirement) {
  const std::string& key = requirement.key;
  std::string values = base::join(requirement.values, ",");
  switch (requirement.op) {
    case Operator::kEquals:
      return key + "=" + values;
    case Operator::kNotEquals:
      return key + "!=" + values;
    case Operator::kIn:
      return key + " in (" + values + ")";
    case Operator::kNotIn:
      return key + " notin (" + values + ")";
    case Operator::kExists:
      return key;
    case Operator::kDoesNotExist:
      return "!" + key;
    case Operator::kGreaterThan:
      return key + ">" + values;
    case Operator::kLessThan:
      return key + "<" + values;
  }
  return key;
}

std::optional<std::string_view> findText(const json::Object& labels, std::string_view key) {
  const json::Value* value = labels.if_contains(key);
  if (value == nullptr || !value->is_string()) return std::nullopt;
  return std::string_view(value->get_string());
}

Operator expressionOperator(std::string_view name) {
  if (name == "In") return Operator::kIn;
  if (name == "NotIn") return Operator::kNotIn;
  if (name == "Exists") return Operator::kExists;
  if (name == "DoesNotExist") return Operator::kDoesNotExist;
  throw badRequest(fmt::format("\"{}\" is not a valid label selector operator", name));
}

Requirement readExpression(const json::Value& expression) {
  Requirement requirement{
      std::string(json::getString(expression, "key")), expressionOperator(json::getString(expression, "operator")), {}};
  const json::Value* values = json::find(expression, "values");
  if (values == nullptr || !values->is_array()) return requirement;
  for (const json::Value& value : values->get_array()) {
    if (value.is_string()) requirement.values.emplace_back(std::string_view(value.get_string()));
  }
  std::sort(requirement.values.begin(), requirement.values.end());
  return requirement;
}

void sortByKey(std::vector<Requirement>& requirements) {
  std::stable_sort(requirements.begin(), requirements.end(),
                   [](const Requirement& a, const Requirement& b) { return a.key < b.key; });
}

void addEquals(std::vector<Requirement>& requirements, const json::Object& labels) {
  for (const auto& label : labels) {
    std::string value(label.value().is_string() ? std::string_view(label.value().get_string()) : std::string_view());
    requirements.push_back({std::string(label.key()), Operator::kEquals, {std::move(value)}});
  }
}

}  // namespace

LabelSelector LabelSelector::nothing() {
  LabelSelector selector;
  selector.nothing_ = true;
  return selector;
}

LabelSelector LabelSelector::fromObject(const json::Value* object) {
  if (object == nullptr || !object->is_object()) return nothing();
  LabelSelector selector;
  if (const json::Value* labels = json::find(*object, "matchLabels"); labels != nullptr && labels->is_object()) {
    addEquals(selector.requirements_, labels->get_object());
  }
  if (const json::Value* list = json::find(*object, "matchExpressions"); list != nullptr && list->is_array()) {
    for (const json::Value& expression : list->get_array())
      selector.requirements_.push_back(readExpression(expression));
  }
  sortByKey(selector.requirements_);
  return selector;
}

LabelSelector LabelSelector::fromMap(const json::Object& labels) {
  if (labels.empty()) return nothing();
  LabelSelector selector;
  addEquals(selector.requirements_, labels);
  sortByKey(selector.requirements_);
  return selector;
}

bool LabelSelector::matches(const json::Object& labels) const {
  return !nothing_ && std::all_of(requirements_.begin(), requirements_.end(), [&](const Requirement& requirement) {
    return holds(requirement, findText(labels, requirement.key));
  });
}

bool LabelSelector::matches(const std::function<std::optional<std::string_view>(std::string_view)>& find) const {
  return !nothing_ && std::all_of(requirements_.begin(), requirements_.end(), [&](const Requirement& requirement) {
    return holds(requirement, find(requirement.key));
  });
}

std::string LabelSelector::text() const {
  std::vector<std::string> parts;
  for (const Requirement& requirement : requirements_) parts.push_back(renderRequirement(requirement));
  return base::join(parts, ",");
}

}  // namespace wherry::meta
