// Pressure stall information (PSI): the kernel tells when programs had to wait for memory or for the disk. Costs
// nothing as long as nobody waits.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

#include "base/fd.h"

namespace wherry::linux {

// A descriptor that polls POLLPRI whenever some program of the machine has stalled for `stall` within `window` (0.5 to
// 10 s), at most once a window. `resource`: "memory", "io". Nothing where the kernel has no PSI.
std::optional<base::Fd> openPressureTrigger(std::string_view resource, std::chrono::microseconds stall,
                                            std::chrono::microseconds window);

}  // namespace wherry::linux
