// GET /metrics: all families, and what is read at the moment: the process, the stored objects. Safe from any thread.
#pragma once

#include <span>

#include "apiserver/backend.h"
#include "base/metrics.h"
#include "net/http.h"

namespace wherry::apiserver {

// `others`: of the components of this process.
net::Response metricsAnswer(const Backend& backend, std::span<const base::metrics::FamilyBase* const> others,
                            std::string_view accept);

}  // namespace wherry::apiserver
