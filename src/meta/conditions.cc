#include "meta/conditions.h"

#include <algorithm>

namespace wherry::meta {

namespace {

json::Array::const_iterator findIn(const json::Array& conditions, std::string_view type) {
  return std::find_if(conditions.begin(), conditions.end(),
                      [&](const json::Value& condition) { return json::getString(condition, "type") == type; });
}

}  // namespace

const json::Object* findCondition(const json::Array& conditions, std::string_view type) {
  const auto found = findIn(conditions, type);
  return found == conditions.end() ? nullptr : found->if_object();
}

std::string_view conditionField(const json::Array& conditions, std::string_view type, std::string_view field) {
  const auto found = findIn(conditions, type);
  return found == conditions.end() ? std::string_view() : json::getString(*found, field);
}

void setCondition(json::Array& conditions, const Condition& condition, std::string_view now, UpdateTime updateTime) {
  std::string transition(now);
  if (conditionField(conditions, condition.type, "status") == condition.status) {
    transition = conditionField(conditions, condition.type, "lastTransitionTime");
  }
  removeCondition(conditions, condition.type);
  json::Object entry{{"type", condition.type}, {"status", condition.status}};
  if (updateTime == UpdateTime::kKept) entry["lastUpdateTime"] = now;
  entry["lastTransitionTime"] = transition;
  if (condition.observedGeneration != 0) entry["observedGeneration"] = condition.observedGeneration;
  if (!condition.reason.empty()) entry["reason"] = condition.reason;
  if (!condition.message.empty()) entry["message"] = condition.message;
  conditions.push_back(std::move(entry));
}

void removeCondition(json::Array& conditions, std::string_view type) {
  const auto found = findIn(conditions, type);
  if (found != conditions.end()) conditions.erase(found);
}

}  // namespace wherry::meta
