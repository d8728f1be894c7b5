#include "net/http.h"

#include <algorithm>

#include "base/strings.h"

namespace wherry::net {

void Headers::set(std::string name, std::string value) {
  remove(name);
  add(std::move(name), std::move(value));
}

std::string_view Headers::get(std::string_view name) const {
  for (const auto& [fieldName, value] : fields_) {
    if (base::equalsIgnoreCase(fieldName, name)) return value;
  }
  return {};
}

bool Headers::has(std::string_view name) const {
  return std::ranges::any_of(fields_, [&](const auto& field) { return base::equalsIgnoreCase(field.first, name); });
}

void Headers::remove(std::string_view name) {
  std::erase_if(fields_, [&](const auto& field) { return base::equalsIgnoreCase(field.first, name); });
}

Response Response::text(int status, std::string contentType, std::string body) {
  Response response;
  response.status = status;
  response.headers.add("Content-Type", std::move(contentType));
  response.body.push_back(std::make_shared<const std::string>(std::move(body)));
  return response;
}

}  // namespace wherry::net
