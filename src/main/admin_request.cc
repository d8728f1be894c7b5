#include "main/admin_request.h"

#include <fmt/format.h>

#include "base/encoding.h"
#include "base/strings.h"

namespace wherry::main {

std::string parameter(const net::Request& request, std::string_view key) {
  for (std::string_view pair : base::split(request.query, '&')) {
    auto parts = base::splitOnce(pair, '=');
    if (parts && parts->first == key) return base::decodePercent(parts->second).value_or("");
  }
  return {};
}

std::string requireParameter(const net::Request& request, std::string_view key) {
  std::string value = parameter(request, key);
  if (value.empty()) throw AdminError(400, fmt::format("{} is missing", key));
  return value;
}

}  // namespace wherry::main
