// What controllers ask about a pod. Pure.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

#include "base/clock.h"
#include "views/core_v1.h"

namespace wherry::controllers {

bool isTerminal(const core_v1::Pod& pod);                           // Succeeded or Failed
bool isActive(const core_v1::Pod& pod);                             // neither that nor being deleted
bool isReady(const core_v1::Pod& pod);                              // condition Ready is True
std::optional<base::WallTime> readySince(const core_v1::Pod& pod);  // nothing when not ready

// Ready, and has been for minReadySeconds.
bool isAvailable(const core_v1::Pod& pod, int64_t minReadySeconds, base::WallTime now);
// When a ready pod that isn't available yet will be; nothing for all others.
std::optional<base::WallTime> availableAt(const core_v1::Pod& pod, int64_t minReadySeconds, base::WallTime now);

}  // namespace wherry::controllers
