// /healthz, /livez and /readyz. The server answers them once it serves at all: what it needs is checked when it starts.
// Pure.
#pragma once

#include <optional>

#include "apiserver/request_info.h"
#include "net/http.h"

namespace wherry::apiserver {

// Nothing when the path is none of health's.
std::optional<net::Response> healthAnswer(const RequestInfo& info);

}  // namespace wherry::apiserver
