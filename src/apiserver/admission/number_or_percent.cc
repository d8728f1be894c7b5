#include "apiserver/admission/number_or_percent.h"

#include "apiserver/admission/fields.h"
#include "base/strings.h"

namespace wherry::apiserver {
namespace {

std::optional<int> percentOf(std::string_view text) {
  if (!text.ends_with('%')) return std::nullopt;
  auto percent = base::parseInt<int>(text.substr(0, text.size() - 1));
  return percent && *percent >= 0 ? percent : std::nullopt;
}

}  // namespace

void checkNumberOrPercent(const json::Value* value, const std::string& field, meta::FieldErrors& errors,
                          bool mayExceed) {
  if (!value) return;
  if (value->is_int64() && value->get_int64() < 0) {
    errors.push_back(meta::invalidField(field, *value, "must be greater than or equal to 0"));
  }
  if (!value->is_string()) return;
  auto percent = percentOf(value->get_string());
  if (!percent) {
    errors.push_back(meta::invalidField(field, *value,
                                        "a valid percent string must be a numeric string followed by an "
                                        "ending '%' (e.g. '1%',  or '93%')"));
  } else if (*percent > 100 && !mayExceed) {
    errors.push_back(meta::invalidField(field, *value, "must not be greater than 100%"));
  }
}

bool isNothing(const json::Value* value) {
  if (!value) return true;
  if (value->is_string()) return percentOf(value->get_string()) == 0;
  return value->is_int64() && value->get_int64() == 0;
}

}  // namespace wherry::apiserver
