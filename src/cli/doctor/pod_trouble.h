// Why a pod is not ready, in sentences. Pure.
#pragma once

#include <string>
#include <vector>

#include "views/core_v1.h"

namespace wherry::cli {

// Without the pod's name: "its readiness probe fails: HTTP probe failed with statuscode: 503". `events`: of the pod's
// namespace. REQUIRES: it is not ready, or is being deleted.
std::string whyNotReady(const core_v1::Pod& pod, const std::vector<core_v1::Event>& events);

}  // namespace wherry::cli
