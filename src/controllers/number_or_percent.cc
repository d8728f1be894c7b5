#include "controllers/number_or_percent.h"

#include "base/strings.h"

namespace wherry::controllers {

int64_t resolveNumberOrPercent(const json::Value& value, int64_t total, Rounding rounding) {
  if (value.is_int64()) return value.get_int64();
  if (!value.is_string()) return 0;
  std::string_view text = value.get_string();
  if (!text.ends_with('%')) return base::parseInt<int64_t>(text).value_or(0);
  text.remove_suffix(1);
  const int64_t scaled = base::parseInt<int64_t>(text).value_or(0) * total;
  return rounding == Rounding::kUp ? (scaled + 99) / 100 : scaled / 100;
}

}  // namespace wherry::controllers
