#include "schema/table_text.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/strings.h"
#include "meta/selector.h"
#include "meta/status.h"
#include "meta/time.h"

namespace wherry::schema {

const json::Array& arrayAt(const json::Value& object, std::string_view path) {
  static const json::Array kEmpty;
  const json::Value* value = json::find(object, path);
  return value != nullptr && value->is_array() ? value->get_array() : kEmpty;
}

const json::Object& objectAt(const json::Value& object, std::string_view path) {
  static const json::Object kEmpty;
  const json::Value* value = json::find(object, path);
  return value != nullptr && value->is_object() ? value->get_object() : kEmpty;
}

std::string textAt(const json::Value& object, std::string_view path, std::string_view missing) {
  std::string_view text = json::getString(object, path);
  return std::string(text.empty() ? missing : text);
}

std::string sinceAt(const json::Value& object, std::string_view path, base::WallTime now) {
  auto time = meta::parseTime(json::getString(object, path));
  if (!time) return std::string(kUnknown);
  return meta::humanDuration(std::chrono::duration_cast<std::chrono::seconds>(now - *time));
}

std::vector<std::string> collectTexts(const json::Array& elements, std::string_view path) {
  std::vector<std::string> texts;
  for (const json::Value& element : elements) texts.emplace_back(json::getString(element, path));
  return texts;
}

std::string renderLabels(const json::Object& labels) {
  if (labels.empty()) return std::string(kNone);
  return meta::LabelSelector::fromMap(labels).text();
}

std::string renderSelector(const json::Value* labelSelector) {
  try {
    std::string text = meta::LabelSelector::fromObject(labelSelector).text();
    return text.empty() ? std::string(kNone) : text;
  } catch (const meta::StatusError&) {
    return "<error>";
  }
}

std::string renderShortened(const std::vector<std::string>& texts, size_t shown, std::string_view missing) {
  if (texts.empty()) return std::string(missing);
  if (texts.size() <= shown) return base::join(texts, ",");
  std::vector<std::string> first(texts.begin(), texts.begin() + static_cast<ptrdiff_t>(shown));
  return fmt::format("{} + {} more...", base::join(first, ","), texts.size() - shown);
}

const json::Value* findCondition(const json::Value& object, std::string_view type) {
  for (const json::Value& condition : arrayAt(object, "status.conditions")) {
    if (json::getString(condition, "type") == type) return &condition;
  }
  return nullptr;
}

bool conditionIsTrue(const json::Value& object, std::string_view type) {
  const json::Value* condition = findCondition(object, type);
  return condition != nullptr && json::getString(*condition, "status") == "True";
}

}  // namespace wherry::schema
