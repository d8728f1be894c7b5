// /healthz, /livez and /readyz, whole and in parts, in upstream's form (`?verbose`, `?exclude=PART`, /readyz/PART),
// but for the reason of a failure, which is told.
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
  // kLive: /livez and /healthz, which tell whether a new process would do better. Two checks may share a name when each
  // has its own endpoints.
  enum class Of { kAll, kLive, kReady };

  std::string_view name;
  std::function<std::string()> failure;  // empty: it is healthy
  Of of = Of::kAll;
};

// Nothing when the path is none of health's.
std::optional<net::Response> healthAnswer(const RequestInfo& info, std::span<const HealthCheck> checks);

}  // namespace wherry::apiserver
