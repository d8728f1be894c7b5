// Kubernetes' times on the wire (RFC 3339): Time in whole seconds, MicroTime in microseconds, both UTC. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace wherry::meta {

std::string formatTime(base::WallTime time);       // "2026-01-02T03:04:05Z"
std::string formatMicroTime(base::WallTime time);  // "2026-01-02T03:04:05.000006Z"

// Any RFC 3339 time, with fraction and offset; nothing when it is none.
std::optional<base::WallTime> parseTime(std::string_view text);

// How kubectl tables say how long ago: "5s", "3m20s", "2d4h", "<unknown>" for a missing time.
std::string humanDuration(std::chrono::seconds age);

}  // namespace wherry::meta
