// The checks that standards.cc lists: one function for each control and each change of it. Pure.
#pragma once

#include "apiserver/podsecurity/standards.h"

namespace wherry::apiserver::podsecurity {

using Result = std::optional<Violation>;  // nothing: allowed

// baseline.cc
Result checkAppArmorProfile(const PodParts& pod);
Result checkBaselineCapabilities(const PodParts& pod);
Result checkHostNamespaces(const PodParts& pod);
Result checkHostPathVolumes(const PodParts& pod);
Result checkHostPorts(const PodParts& pod);
Result checkHostProbes(const PodParts& pod);
Result checkPrivileged(const PodParts& pod);
Result checkProcMount(const PodParts& pod);
Result checkSeLinuxOptions(const PodParts& pod);
Result checkSeLinuxOptionsWithEngine(const PodParts& pod);
Result checkSeccompAnnotations(const PodParts& pod);
Result checkBaselineSeccomp(const PodParts& pod);
Result checkSysctls(const PodParts& pod);
Result checkSysctlsWithReservedPorts(const PodParts& pod);
Result checkSysctlsWithKeepalive(const PodParts& pod);
Result checkSysctlsWithBuffers(const PodParts& pod);
Result checkWindowsHostProcess(const PodParts& pod);

// restricted.cc
Result checkPrivilegeEscalation(const PodParts& pod);
Result checkRestrictedCapabilities(const PodParts& pod);
Result checkRestrictedVolumes(const PodParts& pod);
Result checkRunAsNonRoot(const PodParts& pod);
Result checkRunAsUser(const PodParts& pod);
Result checkRestrictedSeccomp(const PodParts& pod);

// What is only said of Linux pods, and what a user namespace makes harmless (KEP-127): allowed then, else the check.
template <Result (*kCheck)(const PodParts&)>
Result unlessWindows(const PodParts& pod) {
  if (json::getString(pod.spec, "os.name") == "windows") return std::nullopt;
  return kCheck(pod);
}
template <Result (*kCheck)(const PodParts&)>
Result unlessUserNamespace(const PodParts& pod) {
  if (!json::getBool(pod.spec, "hostUsers", true)) return std::nullopt;
  return kCheck(pod);
}

}  // namespace wherry::apiserver::podsecurity
