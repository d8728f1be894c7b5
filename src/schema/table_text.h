// How cells word what several kinds have in common. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "json/value.h"

namespace wherry::schema {

inline constexpr std::string_view kNone = "<none>";
inline constexpr std::string_view kUnset = "<unset>";
inline constexpr std::string_view kUnknown = "<unknown>";

// The list or object at a dotted path; an empty one when it is missing.
const json::Array& arrayAt(const json::Value& object, std::string_view path);
const json::Object& objectAt(const json::Value& object, std::string_view path);

// The text at a dotted path; `missing` when there is none or it is empty.
std::string textAt(const json::Value& object, std::string_view path, std::string_view missing);

// How long ago the time at a dotted path was: "5m"; "<unknown>" when there is none.
std::string sinceAt(const json::Value& object, std::string_view path, base::WallTime now);

// The values of one field of every element.
std::vector<std::string> collectTexts(const json::Array& elements, std::string_view path);

// "a=b,c=d", sorted; "<none>" when there are none.
std::string renderLabels(const json::Object& labels);
std::string renderSelector(const json::Value* labelSelector);

// "a,b,c + 2 more...": the first `shown` of them; `missing` when there are none.
std::string renderShortened(const std::vector<std::string>& texts, size_t shown, std::string_view missing);

// The condition of this type in status.conditions; null when it is missing.
const json::Value* findCondition(const json::Value& object, std::string_view type);
bool conditionIsTrue(const json::Value& object, std::string_view type);

}  // namespace wherry::schema
