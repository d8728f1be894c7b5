// Baseline: what gets a pod out of its container by known ways.
#include <algorithm>
#include <array>
#include <span>

#include <fmt/format.h>

#include "apiserver/podsecurity/checks.h"
#include "apiserver/podsecurity/setters.h"

namespace wherry::apiserver::podsecurity {
namespace {

using json::getString;
using Texts = std::span<const std::string_view>;

bool isOneOf(Texts allowed, std::string_view text) {
  return std::find(allowed.begin(), allowed.end(), text) != allowed.end();
}

// -- AppArmor, seccomp ----------------------------------------------------------------------------------------------

constexpr std::string_view kAppArmorPrefix = "container.apparmor.security.beta.kubernetes.io/";
constexpr std::string_view kSeccompPod = "seccomp.security.alpha.kubernetes.io/pod";
constexpr std::string_view kSeccompPrefix = "container.seccomp.security.alpha.kubernetes.io/";
constexpr std::array<std::string_view, 2> kProfileTypes = {"RuntimeDefault", "Localhost"};

bool isAllowedAppArmor(std::string_view profile) {
  return profile.empty() || profile == "runtime/default" || profile.starts_with("localhost/");
}

bool isAllowedSeccomp(std::string_view profile) {
  return profile == "runtime/default" || profile == "docker/default" || profile.starts_with("localhost/");
}

// Those who set `profile`.type to something else than the runtime's default or a profile of the node.
Setters settersOfProfile(const PodParts& pod, const char* profile, std::set<std::string>& values) {
  return settersWhere(pod, [&](const json::Object& context) {
    const json::Value* set = json::find(context, profile);
    if (!set || !set->is_object() || isOneOf(kProfileTypes, getString(*set, "type"))) return false;
    values.emplace(getString(*set, "type"));
    return true;
  });
}

// -- ports, probes --------------------------------------------------------------------------------------------------

void addHosts(const json::Object& handler, std::set<std::string>& hosts) {
  for (const char* path : {"httpGet.host", "tcpSocket.host"}) {
    if (auto host = getString(handler, path); !host.empty()) hosts.emplace(host);
  }
}

std::set<std::string> hostsOf(const json::Object& container) {
  std::set<std::string> hosts;
  for (const char* path :
       {"livenessProbe", "readinessProbe", "startupProbe", "lifecycle.postStart", "lifecycle.preStop"}) {
    addHosts(objectAt(container, path), hosts);
  }
  return hosts;
}

// -- SELinux, sysctls -----------------------------------------------------------------------------------------------

Result checkSeLinux(const PodParts& pod, Texts allowedTypes) {
  std::set<std::string> types;
  bool user = false, role = false;
  Setters setters = settersWhere(pod, [&](const json::Object& context) {
    auto type = getString(context, "seLinuxOptions.type");
    bool badType = !type.empty() && !isOneOf(allowedTypes, type);
    bool setsUser = !getString(context, "seLinuxOptions.user").empty();
    bool setsRole = !getString(context, "seLinuxOptions.role").empty();
    if (badType) types.emplace(type);
    user |= setsUser;
    role |= setsRole;
    return badType || setsUser || setsRole;
  });
  if (setters.empty()) return std::nullopt;
  std::vector<std::string> what;
  if (!types.empty()) what.push_back(plural("type", "types", types.size()) + " " + quoted(types));
  if (user) what.emplace_back("user may not be set");
  if (role) what.emplace_back("role may not be set");
  return Violation{"seLinuxOptions", fmt::format("{} set forbidden securityContext.seLinuxOptions: {}", setters.text(),
                                                 base::join(what, "; "))};
}

// As the list grew: 1.0, 1.27, 1.29, 1.32.
constexpr std::array<std::string_view, 12> kSafeSysctls = {"kernel.shm_rmid_forced",
                                                           "net.ipv4.ip_local_port_range",
                                                           "net.ipv4.tcp_syncookies",
                                                           "net.ipv4.ping_group_range",
                                                           "net.ipv4.ip_unprivileged_port_start",
                                                           "net.ipv4.ip_local_reserved_ports",
                                                           "net.ipv4.tcp_keepalive_time",
                                                           "net.ipv4.tcp_fin_timeout",
                                                           "net.ipv4.tcp_keepalive_intvl",
                                                           "net.ipv4.tcp_keepalive_probes",
                                                           "net.ipv4.tcp_rmem",
                                                           "net.ipv4.tcp_wmem"};

Result checkSysctlNames(const PodParts& pod, size_t safeOnes) {
  std::vector<std::string> names;
  for (const json::Value& sysctl : arrayAt(pod.spec, "securityContext.sysctls")) {
    auto name = getString(sysctl, "name");
    if (!isOneOf(Texts(kSafeSysctls).first(safeOnes), name)) names.emplace_back(name);
  }
  if (names.empty()) return std::nullopt;
  return Violation{"forbidden sysctls", base::join(names, ", ")};
}

constexpr std::array<std::string_view, 4> kSeLinuxTypes = {"container_t", "container_init_t", "container_kvm_t",
                                                           "container_engine_t"};

constexpr std::array<std::string_view, 13> kDefaultCapabilities = {
    "AUDIT_WRITE",      "CHOWN",   "DAC_OVERRIDE", "FOWNER",  "FSETID", "KILL",      "MKNOD",
    "NET_BIND_SERVICE", "SETFCAP", "SETGID",       "SETPCAP", "SETUID", "SYS_CHROOT"};

}  // namespace

Result checkAppArmorProfile(const PodParts& pod) {
  std::set<std::string> values;
  std::vector<std::string> who;
  Setters setters = settersOfProfile(pod, "appArmorProfile", values);
  if (!setters.empty()) who.push_back(setters.text());
  std::set<std::string> annotations;
  for (const auto& [key, value] : objectAt(pod.metadata, "annotations")) {
    if (!key.starts_with(kAppArmorPrefix) || isAllowedAppArmor(textOf(value))) continue;
    annotations.emplace(key);
    values.emplace(textOf(value));
  }
  if (!annotations.empty()) {
    who.push_back(plural("annotation", "annotations", annotations.size()) + " " + quoted(annotations));
  }
  if (who.empty()) return std::nullopt;
  return Violation{
      plural("forbidden AppArmor profile", "forbidden AppArmor profiles", values.size()),
      fmt::format("{} must not set AppArmor profile type to {}", base::join(who, " and "), quoted(values))};
}

Result checkBaselineCapabilities(const PodParts& pod) {
  std::set<std::string> added;
  auto names = containersWhere(pod, [&](const json::Object& container) {
    bool bad = false;
    for (const json::Value& capability : arrayAt(container, "securityContext.capabilities.add")) {
      if (isOneOf(kDefaultCapabilities, textOf(capability))) continue;
      added.emplace(textOf(capability));
      bad = true;
    }
    return bad;
  });
  if (names.empty()) return std::nullopt;
  return Violation{"non-default capabilities", fmt::format("{} must not include {} in securityContext.capabilities.add",
                                                           containersText(names), quoted(added))};
}

Result checkHostNamespaces(const PodParts& pod) {
  std::vector<std::string> shared;
  for (const char* field : {"hostNetwork", "hostPID", "hostIPC"}) {
    if (json::getBool(pod.spec, field)) shared.push_back(std::string(field) + "=true");
  }
  if (shared.empty()) return std::nullopt;
  return Violation{"host namespaces", base::join(shared, ", ")};
}

Result checkHostPathVolumes(const PodParts& pod) {
  std::vector<std::string> names;
  for (const json::Value& volume : arrayAt(pod.spec, "volumes")) {
    if (json::find(volume, "hostPath")) names.emplace_back(getString(volume, "name"));
  }
  if (names.empty()) return std::nullopt;
  return Violation{"hostPath volumes", plural("volume", "volumes", names.size()) + " " + quoted(names)};
}

Result checkHostPorts(const PodParts& pod) {
  std::set<std::string> ports;  // sorted as text, as upstream sorts them
  auto names = containersWhere(pod, [&](const json::Object& container) {
    bool bad = false;
    for (const json::Value& port : arrayAt(container, "ports")) {
      if (json::getInt(port, "hostPort") == 0) continue;
      ports.insert(std::to_string(json::getInt(port, "hostPort")));
      bad = true;
    }
    return bad;
  });
  if (names.empty()) return std::nullopt;
  return Violation{"hostPort", fmt::format("{} {} {} {}", containersText(names), plural("uses", "use", names.size()),
                                           plural("hostPort", "hostPorts", ports.size()), fmt::join(ports, ", "))};
}

Result checkHostProbes(const PodParts& pod) {
  std::set<std::string> hosts, names;
  forEachContainerOf(pod, [&](const json::Object& container) {
    auto own = hostsOf(container);
    if (!own.empty()) names.emplace(getString(container, "name"));
    hosts.merge(own);
  });
  if (names.empty()) return std::nullopt;
  return Violation{
      "probe or lifecycle host",
      fmt::format("{} {} {} {} {}", plural("container", "containers", names.size()), quoted(names),
                  plural("uses", "use", names.size()),
                  plural("probe or lifecycle host", "probe or lifecycle hosts", hosts.size()), quoted(hosts))};
}

Result checkPrivileged(const PodParts& pod) {
  auto names = containersWhere(
      pod, [](const json::Object& container) { return json::getBool(container, "securityContext.privileged"); });
  if (names.empty()) return std::nullopt;
  return Violation{"privileged", containersText(names) + " must not set securityContext.privileged=true"};
}

Result checkProcMount(const PodParts& pod) {
  std::set<std::string> types;
  auto names = containersWhere(pod, [&](const json::Object& container) {
    auto type = getString(container, "securityContext.procMount");
    if (type.empty() || type == "Default") return false;
    types.emplace(type);
    return true;
  });
  if (names.empty()) return std::nullopt;
  return Violation{"procMount", fmt::format("{} must not set securityContext.procMount to {}", containersText(names),
                                            quoted(types))};
}

Result checkSeLinuxOptions(const PodParts& pod) { return checkSeLinux(pod, Texts(kSeLinuxTypes).first(3)); }
Result checkSeLinuxOptionsWithEngine(const PodParts& pod) { return checkSeLinux(pod, kSeLinuxTypes); }

Result checkSeccompAnnotations(const PodParts& pod) {
  std::set<std::string> forbidden;
  const json::Object& annotations = objectAt(pod.metadata, "annotations");
  auto check = [&](const std::string& key) {
    const json::Value* value = annotations.if_contains(key);
    if (value && !isAllowedSeccomp(textOf(*value))) forbidden.insert(fmt::format("{}=\"{}\"", key, textOf(*value)));
  };
  check(std::string(kSeccompPod));
  forEachContainerOf(pod, [&](const json::Object& container) {
    check(std::string(kSeccompPrefix) + std::string(getString(container, "name")));
  });
  if (forbidden.empty()) return std::nullopt;
  return Violation{"seccompProfile",
                   fmt::format("forbidden {} {}", plural("annotation", "annotations", forbidden.size()),
                               fmt::join(forbidden, ", "))};
}

Result checkBaselineSeccomp(const PodParts& pod) {
  std::set<std::string> values;
  Setters setters = settersOfProfile(pod, "seccompProfile", values);
  if (setters.empty()) return std::nullopt;
  return Violation{"seccompProfile", fmt::format("{} must not set securityContext.seccompProfile.type to {}",
                                                 setters.text(), quoted(values))};
}

Result checkSysctls(const PodParts& pod) { return checkSysctlNames(pod, 5); }
Result checkSysctlsWithReservedPorts(const PodParts& pod) { return checkSysctlNames(pod, 6); }
Result checkSysctlsWithKeepalive(const PodParts& pod) { return checkSysctlNames(pod, 10); }
Result checkSysctlsWithBuffers(const PodParts& pod) { return checkSysctlNames(pod, kSafeSysctls.size()); }

Result checkWindowsHostProcess(const PodParts& pod) {
  Setters setters = settersWhere(
      pod, [](const json::Object& context) { return json::getBool(context, "windowsOptions.hostProcess"); });
  if (setters.empty()) return std::nullopt;
  return Violation{"hostProcess", setters.text() + " must not set securityContext.windowsOptions.hostProcess=true"};
}

}  // namespace wherry::apiserver::podsecurity
