// Conditions of a status ({type, status, reason, message, lastTransitionTime}), as all of Kubernetes keeps them. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "json/value.h"

namespace wherry::meta {

struct Condition {
  std::string type;
  std::string status;  // "True", "False" or "Unknown"
  std::string reason;
  std::string message;
  int64_t observedGeneration = 0;  // 0: the kind's conditions have none
};

// Null when there is no condition of this type.
const json::Object* findCondition(const json::Array& conditions, std::string_view type);
std::string_view conditionField(const json::Array& conditions, std::string_view type, std::string_view field);

// Adds or replaces the condition of this type. lastTransitionTime becomes `now` (RFC 3339) when the status changes.
enum class UpdateTime { kNone, kKept };  // whether the kind's conditions have lastUpdateTime
void setCondition(json::Array& conditions, const Condition& condition, std::string_view now,
                  UpdateTime updateTime = UpdateTime::kNone);
void removeCondition(json::Array& conditions, std::string_view type);

}  // namespace wherry::meta
