// The Pod Security Standards: what a pod may ask of its node at each level, by version. Pure; safe from any thread.
//
// A check belongs to a level and holds from a minor version on. A restricted check may replace a baseline one that it
// says more strictly. Sentences are upstream's.
#pragma once

#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "json/value.h"

namespace wherry::apiserver::podsecurity {

enum class Level { kPrivileged, kBaseline, kRestricted };

inline constexpr int kLatest = std::numeric_limits<int>::max();

struct LevelVersion {
  Level level = Level::kPrivileged;
  int minor = kLatest;  // of Kubernetes 1.x

  std::string text() const;  // "restricted:latest", "baseline:v1.24"
  bool operator==(const LevelVersion&) const = default;
};

struct Violation {
  std::string reason;  // allowPrivilegeEscalation != false
  std::string detail;  // container "x" must set securityContext.allowPrivilegeEscalation=false
};

// A pod, or the template of one.
struct PodParts {
  const json::Object& metadata;
  const json::Object& spec;
};

// In the order of the checks: baseline first, each level by name. Empty: it is allowed.
std::vector<Violation> evaluatePod(const LevelVersion& standard, const PodParts& pod);

std::string renderDetails(const std::vector<Violation>& violations);  // "reason (detail), reason (detail)"
std::string renderReasons(const std::vector<Violation>& violations);  // "reason, reason"

}  // namespace wherry::apiserver::podsecurity
