// The server's report (the admin socket's /report) as `wherry status` prints it. Pure.
#pragma once

#include <string>

#include "json/value.h"

namespace wherry::cli {

std::string renderStatusText(const json::Value& report);

// What is still waited for: "waiting for api (reading the database) and then 5 more"; "ready" when for nothing.
std::string renderWaiting(const json::Value& parts);

}  // namespace wherry::cli
