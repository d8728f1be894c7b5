// Fields that hold a number or a percentage: maxSurge, maxUnavailable, minAvailable. Pure.
#pragma once

#include <string>

#include "json/value.h"
#include "meta/status.h"

namespace wherry::apiserver {

// Whole numbers from 0, percentages from 0% to 100%; `mayExceed`: above 100% too (maxSurge). A missing one is right.
void checkNumberOrPercent(const json::Value* value, const std::string& field, meta::FieldErrors& errors,
                          bool mayExceed = false);

// Whether it comes to nothing however many there are: 0 or "0%". A missing one does.
bool isNothing(const json::Value* value);

}  // namespace wherry::apiserver
