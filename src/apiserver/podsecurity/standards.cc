#include "apiserver/podsecurity/standards.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "apiserver/podsecurity/checks.h"

namespace wherry::apiserver::podsecurity {
namespace {

struct Check {
  std::string_view name;
  Level level;
  int since;  // 1.x; the newest row of a name that is not newer than the standard's version holds
  Result (*check)(const PodParts&);
  std::string_view replaces = {};  // the baseline check that this one says more strictly
};

constexpr Level kBaseline = Level::kBaseline, kRestricted = Level::kRestricted;

// In the order in which violations are told.
constexpr std::array kChecks = {
    Check{"appArmorProfile", kBaseline, 0, checkAppArmorProfile},
    Check{"capabilities_baseline", kBaseline, 0, checkBaselineCapabilities},
    Check{"hostNamespaces", kBaseline, 0, checkHostNamespaces},
    Check{"hostPathVolumes", kBaseline, 0, checkHostPathVolumes},
    Check{"hostPorts", kBaseline, 0, checkHostPorts},
    Check{"hostProbesAndHostLifecycle", kBaseline, 34, checkHostProbes},
    Check{"privileged", kBaseline, 0, checkPrivileged},
    Check{"procMount", kBaseline, 0, checkProcMount},
    Check{"procMount", kBaseline, 35, unlessUserNamespace<checkProcMount>},
    Check{"seLinuxOptions", kBaseline, 0, checkSeLinuxOptions},
    Check{"seLinuxOptions", kBaseline, 31, checkSeLinuxOptionsWithEngine},
    Check{"seccompProfile_baseline", kBaseline, 0, checkSeccompAnnotations},
    Check{"seccompProfile_baseline", kBaseline, 19, checkBaselineSeccomp},
    Check{"sysctls", kBaseline, 0, checkSysctls},
    Check{"sysctls", kBaseline, 27, checkSysctlsWithReservedPorts},
    Check{"sysctls", kBaseline, 29, checkSysctlsWithKeepalive},
    Check{"sysctls", kBaseline, 32, checkSysctlsWithBuffers},
    Check{"windowsHostProcess", kBaseline, 0, checkWindowsHostProcess},
    Check{"allowPrivilegeEscalation", kRestricted, 8, checkPrivilegeEscalation},
    Check{"allowPrivilegeEscalation", kRestricted, 25, unlessWindows<checkPrivilegeEscalation>},
    Check{"capabilities_restricted", kRestricted, 22, checkRestrictedCapabilities, "capabilities_baseline"},
    Check{"capabilities_restricted", kRestricted, 25, unlessWindows<checkRestrictedCapabilities>,
          "capabilities_baseline"},
    Check{"restrictedVolumes", kRestricted, 0, checkRestrictedVolumes, "hostPathVolumes"},
    Check{"runAsNonRoot", kRestricted, 0, checkRunAsNonRoot},
    Check{"runAsNonRoot", kRestricted, 35, unlessUserNamespace<checkRunAsNonRoot>},
    Check{"runAsUser", kRestricted, 23, checkRunAsUser},
    Check{"runAsUser", kRestricted, 35, unlessUserNamespace<checkRunAsUser>},
    Check{"seccompProfile_restricted", kRestricted, 19, checkRestrictedSeccomp, "seccompProfile_baseline"},
    Check{"seccompProfile_restricted", kRestricted, 25, unlessWindows<checkRestrictedSeccomp>,
          "seccompProfile_baseline"},
};

bool holds(const Check& check, const LevelVersion& standard) {
  if (check.level > standard.level || check.since > standard.minor) return false;
  return std::none_of(kChecks.begin(), kChecks.end(), [&](const Check& other) {
    if (other.level > standard.level || other.since > standard.minor) return false;
    return other.replaces == check.name || (other.name == check.name && other.since > check.since);
  });
}

constexpr std::string_view nameOf(Level level) {
  if (level == Level::kPrivileged) return "privileged";
  return level == Level::kBaseline ? "baseline" : "restricted";
}

}  // namespace

std::string LevelVersion::text() const {
  if (minor == kLatest) return fmt::format("{}:latest", nameOf(level));
  return fmt::format("{}:v1.{}", nameOf(level), minor);
}

std::vector<Violation> evaluatePod(const LevelVersion& standard, const PodParts& pod) {
  std::vector<Violation> violations;
  if (standard.level == Level::kPrivileged) return violations;
  for (const Check& check : kChecks) {
    if (!holds(check, standard)) continue;
    if (auto violation = check.check(pod)) violations.push_back(std::move(*violation));
  }
  return violations;
}

std::string renderDetails(const std::vector<Violation>& violations) {
  std::string text;
  for (const Violation& each : violations) {
    if (!text.empty()) text += ", ";
    text += each.detail.empty() ? each.reason : fmt::format("{} ({})", each.reason, each.detail);
  }
  return text;
}

std::string renderReasons(const std::vector<Violation>& violations) {
  std::string text;
  for (const Violation& each : violations) {
    if (!text.empty()) text += ", ";
    text += each.reason;
  }
  return text;
}

}  // namespace wherry::apiserver::podsecurity
