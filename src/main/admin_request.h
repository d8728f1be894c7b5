// What a command asks of the admin endpoint: parameters of its query, and refusals.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

#include "net/http.h"

namespace wherry::main {

struct AdminError : std::runtime_error {
  AdminError(int statusCode, const std::string& message) : std::runtime_error(message), status(statusCode) {}
  int status;
};

// The query's value of `key`, decoded; empty when missing.
std::string parameter(const net::Request& request, std::string_view key);
// Throws AdminError when it is missing.
std::string requireParameter(const net::Request& request, std::string_view key);

}  // namespace wherry::main
