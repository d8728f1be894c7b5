// /healthz, /livez and /readyz, whole and in parts, in upstream's form (`?verbose`, `?exclude=PART`, /readyz/PART).
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "apiserver/request_info.h"
#include "net/http.h"

namespace wherry::apiserver {

struct HealthCheck {
  std::string_view name;
  std::function<bool()> healthy;
  bool onlyReady = false;  // of /readyz alone: it says nothing of whether the process lives
};

// Nothing when the path is none of health's.
std::optional<net::Response> healthAnswer(const RequestInfo& info, std::span<const HealthCheck> checks);

}  // namespace wherry::apiserver
