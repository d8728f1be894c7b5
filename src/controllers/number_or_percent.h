// An IntOrString as users write maxSurge and maxUnavailable. Pure.
#pragma once

#include <cstdint>

#include "json/value.h"

namespace wherry::controllers {

enum class Rounding { kUp, kDown };

// A number, or a percentage of `total`; 0 for what is neither.
int64_t resolveNumberOrPercent(const json::Value& value, int64_t total, Rounding rounding);

}  // namespace wherry::controllers
