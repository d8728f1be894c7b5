#include "kubelet/runtime/capabilities.h"

#include <array>

#include <linux/capability.h>
#include <sys/prctl.h>

#include "base/strings.h"

namespace wherry::kubelet {
namespace {

// In the order of their numbers.
constexpr std::array kNames = {"CHOWN",
                               "DAC_OVERRIDE",
                               "DAC_READ_SEARCH",
                               "FOWNER",
                               "FSETID",
                               "KILL",
                               "SETGID",
                               "SETUID",
                               "SETPCAP",
                               "LINUX_IMMUTABLE",
                               "NET_BIND_SERVICE",
                               "NET_BROADCAST",
                               "NET_ADMIN",
                               "NET_RAW",
                               "IPC_LOCK",
                               "IPC_OWNER",
                               "SYS_MODULE",
                               "SYS_RAWIO",
                               "SYS_CHROOT",
                               "SYS_PTRACE",
                               "SYS_PACCT",
                               "SYS_ADMIN",
                               "SYS_BOOT",
                               "SYS_NICE",
                               "SYS_RESOURCE",
                               "SYS_TIME",
                               "SYS_TTY_CONFIG",
                               "MKNOD",
                               "LEASE",
                               "AUDIT_WRITE",
                               "AUDIT_CONTROL",
                               "SETFCAP",
                               "MAC_OVERRIDE",
                               "MAC_ADMIN",
                               "SYSLOG",
                               "WAKE_ALARM",
                               "BLOCK_SUSPEND",
                               "AUDIT_READ",
                               "PERFMON",
                               "BPF",
                               "CHECKPOINT_RESTORE"};

constexpr std::array kDefault = {CAP_CHOWN,   CAP_DAC_OVERRIDE, CAP_FSETID,           CAP_FOWNER,     CAP_MKNOD,
                                 CAP_NET_RAW, CAP_SETGID,       CAP_SETUID,           CAP_SETFCAP,    CAP_SETPCAP,
                                 CAP_KILL,    CAP_SYS_CHROOT,   CAP_NET_BIND_SERVICE, CAP_AUDIT_WRITE};

constexpr CapabilityMask bit(int number) { return CapabilityMask{1} << number; }
constexpr CapabilityMask kAll = bit(kNames.size()) - 1;

CapabilityMask maskOf(const std::vector<std::string>& names) {
  CapabilityMask mask = 0;
  for (const std::string& name : names) {
    if (base::equalsIgnoreCase(name, "ALL")) return kAll;
    if (auto number = findCapability(name)) mask |= bit(*number);
  }
  return mask;
}

}  // namespace

std::optional<int> findCapability(std::string_view name) {
  constexpr std::string_view kPrefix = "CAP_";
  if (name.size() > kPrefix.size() && base::equalsIgnoreCase(name.substr(0, kPrefix.size()), kPrefix)) {
    name.remove_prefix(kPrefix.size());
  }
  for (size_t i = 0; i < kNames.size(); ++i) {
    if (base::equalsIgnoreCase(kNames[i], name)) return static_cast<int>(i);
  }
  return std::nullopt;
}

CapabilityMask defaultCapabilities() {
  CapabilityMask mask = 0;
  for (int number : kDefault) mask |= bit(number);
  return mask;
}

CapabilityMask applyCapabilities(CapabilityMask base, const std::vector<std::string>& add,
                                 const std::vector<std::string>& drop, CapabilityMask bounding) {
  bool addsAll = maskOf(add) == kAll;
  // What is named in `drop` goes even when `add` is ALL, and what is named in `add` stays even when `drop` is ALL.
  CapabilityMask kept = addsAll ? kAll & ~maskOf(drop) : (base & ~maskOf(drop)) | maskOf(add);
  return kept & bounding;
}

std::vector<std::string> capabilityNames(CapabilityMask mask) {
  std::vector<std::string> names;
  for (size_t i = 0; i < kNames.size(); ++i) {
    if (mask & bit(static_cast<int>(i))) names.push_back(std::string("CAP_") + kNames[i]);
  }
  return names;
}

CapabilityMask boundingCapabilities() {
  CapabilityMask mask = 0;
  for (size_t i = 0; i < kNames.size(); ++i) {
    if (::prctl(PR_CAPBSET_READ, i, 0, 0, 0) == 1) mask |= bit(static_cast<int>(i));
  }
  return mask;
}

}  // namespace wherry::kubelet
