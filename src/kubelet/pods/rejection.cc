#include "kubelet/pods/rejection.h"

#include <algorithm>
#include <array>
#include <string_view>

#include <fmt/format.h>

#include "base/strings.h"

namespace wherry::kubelet {
namespace {

struct SafeSysctl {
  std::string_view name;
  bool network;  // belongs to the network namespace, else to that of IPC
};

// The set that Kubernetes calls safe.
constexpr std::array<SafeSysctl, 12> kSafe = {{
    {"kernel.shm_rmid_forced", false},
    {"net.ipv4.ip_local_port_range", true},
    {"net.ipv4.ip_local_reserved_ports", true},
    {"net.ipv4.ip_unprivileged_port_start", true},
    {"net.ipv4.ping_group_range", true},
    {"net.ipv4.tcp_fin_timeout", true},
    {"net.ipv4.tcp_keepalive_intvl", true},
    {"net.ipv4.tcp_keepalive_probes", true},
    {"net.ipv4.tcp_keepalive_time", true},
    {"net.ipv4.tcp_rmem", true},
    {"net.ipv4.tcp_syncookies", true},
    {"net.ipv4.tcp_wmem", true},
}};

}  // namespace

std::optional<Rejection> rejectionOf(const core_v1::Pod& pod) {
  for (auto sysctl : pod.spec().securityContext().sysctls()) {
    std::string name = base::replaceAll(sysctl.name(), "/", ".");
    auto safe = std::find_if(kSafe.begin(), kSafe.end(), [&](const SafeSysctl& each) { return each.name == name; });
    auto refuse = [&](std::string_view why) {
      return Rejection{"SysctlForbidden", fmt::format("forbidden sysctl: \"{}\" {}", name, why)};
    };
    if (safe == kSafe.end()) return refuse("not allowlisted");
    if (safe->network && pod.spec().hostNetwork()) return refuse("not allowed with host net enabled");
    if (!safe->network && pod.spec().hostIPC()) return refuse("not allowed with host ipc enabled");
  }
  return std::nullopt;
}

}  // namespace wherry::kubelet
