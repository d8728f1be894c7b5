// What a hollow node does with a pod that is bound to it: it says that all of it runs and is ready, and after a while
// that it has ended; no container is ever started. Pure.
//
// A pod that a real node would restart for ever (restartPolicy Always) runs until it is deleted; any other ends after
// `runFor`, or what its annotation says, with the exit code of its annotation (0 when it has none). Times are kept to
// the second, as in the pod's status.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "json/value.h"
#include "views/core_v1.h"

namespace wherry::main {

inline constexpr std::string_view kHollowRunFor = "wherry.dev/hollow-run-for";      // "90s"
inline constexpr std::string_view kHollowExitCode = "wherry.dev/hollow-exit-code";  // "1"

struct HollowFacts {
  std::string hostIp;
  std::string podIp;  // for a pod that has none yet
  std::chrono::nanoseconds runFor{0};
};

struct HollowStep {
  enum class What { kNothing, kRemove, kPatchStatus } what = What::kNothing;
  json::Value patch;                        // kPatchStatus: strategic, of the subresource status
  std::optional<base::WallTime> lookAgain;  // when the pod is to end
};

HollowStep decideHollowStep(const core_v1::Pod& pod, const HollowFacts& facts, base::WallTime now);

}  // namespace wherry::main
