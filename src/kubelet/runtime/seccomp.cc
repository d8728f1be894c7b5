#include "kubelet/runtime/seccomp.h"

#include <cerrno>
#include <cstdlib>
#include <set>
#include <string>
#include <vector>

#include <linux/capability.h>
#include <seccomp.h>
#include <sys/utsname.h>

namespace wherry::kubelet {
namespace {

constexpr int kHighestCall = 1024;                // above every number the kernel has given out
constexpr uint64_t kNamespaceFlags = 0x7E020000;  // CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET
constexpr int kNever = -1;

struct Closed {
  int capability;  // that opens them; kNever: none does
  std::vector<const char*> calls;
};

// Calls that act on the whole machine, on other containers, or on rarely used kernel code.
const std::vector<Closed>& closedCalls() {
  static const std::vector<Closed> kClosed = {
      {CAP_SYS_ADMIN, {"clone3",      "fsconfig",      "fsmount",     "fsopen",        "fspick",     "lookup_dcookie",
                       "mount",       "mount_setattr", "move_mount",  "open_tree",     "pivot_root", "quotactl",
                       "quotactl_fd", "setdomainname", "sethostname", "setns",         "swapoff",    "swapon",
                       "umount",      "umount2",       "unshare",     "fanotify_init", "nfsservctl"}},
      {CAP_SYS_BOOT, {"reboot", "kexec_load", "kexec_file_load"}},
      {CAP_SYS_MODULE,
       {"create_module", "delete_module", "init_module", "finit_module", "query_module", "get_kernel_syms"}},
      {CAP_SYS_PACCT, {"acct"}},
      {CAP_SYS_RAWIO, {"iopl", "ioperm"}},
      {CAP_SYS_TIME, {"settimeofday", "stime", "clock_settime", "clock_settime64", "clock_adjtime", "adjtimex"}},
      {CAP_SYS_TTY_CONFIG, {"vhangup"}},
      {CAP_SYSLOG, {"syslog"}},
      {CAP_BPF, {"bpf"}},
      {CAP_PERFMON, {"perf_event_open"}},
      {CAP_DAC_READ_SEARCH, {"open_by_handle_at"}},
      {CAP_SYS_NICE,
       {"get_mempolicy", "mbind", "set_mempolicy", "set_mempolicy_home_node", "move_pages", "migrate_pages"}},
      {CAP_SYS_PTRACE, {"kcmp", "process_madvise"}},
      {kNever,
       {"add_key", "keyctl", "request_key", "_sysctl", "sysfs", "uselib", "userfaultfd", "ustat", "vm86", "vm86old",
        "io_uring_setup", "io_uring_enter", "io_uring_register", "bdflush"}},
  };
  return kClosed;
}

std::set<std::string> closedFor(CapabilityMask capabilities) {
  std::set<std::string> names;
  for (const Closed& closed : closedCalls()) {
    bool open = closed.capability != kNever && (capabilities >> closed.capability & 1) != 0;
    if (!open) names.insert(closed.calls.begin(), closed.calls.end());
  }
  return names;
}

json::Array knownCallsWithout(const std::set<std::string>& left) {
  json::Array names;
  for (int number = 0; number < kHighestCall; ++number) {
    char* name = ::seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, number);
    if (!name) continue;
    if (!left.contains(name)) names.push_back(json::Value(name));
    std::free(name);
  }
  return names;
}

json::Object rule(json::Array names, const char* action) { return {{"names", std::move(names)}, {"action", action}}; }

json::Object errorRule(json::Array names, int error) {
  json::Object out = rule(std::move(names), "SCMP_ACT_ERRNO");
  out["errnoRet"] = error;
  return out;
}

// clone() stays, but not with flags that make namespaces.
json::Object cloneWithoutNamespaces() {
  json::Object out = rule({"clone"}, "SCMP_ACT_ALLOW");
  out["args"] = json::Array{
      json::Object{{"index", 0}, {"value", kNamespaceFlags}, {"valueTwo", 0}, {"op", "SCMP_CMP_MASKED_EQ"}}};
  return out;
}

json::Array architectures() {
  utsname name{};
  ::uname(&name);
  if (std::string_view(name.machine) == "aarch64") return {"SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"};
  return {"SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"};
}

}  // namespace

json::Object renderDefaultSeccomp(CapabilityMask capabilities) {
  auto closed = closedFor(capabilities);
  bool admin = !closed.contains("clone3");
  json::Array syscalls, refused;
  for (const std::string& name : closed) {
    if (name != "clone3") refused.push_back(json::Value(name));  // C libraries fall back to clone() on ENOSYS alone
  }
  auto left = closed;
  if (!admin) left.insert("clone");
  syscalls.push_back(rule(knownCallsWithout(left), "SCMP_ACT_ALLOW"));
  if (!admin) syscalls.push_back(cloneWithoutNamespaces());
  syscalls.push_back(errorRule(std::move(refused), EPERM));
  return {{"defaultAction", "SCMP_ACT_ERRNO"},
          {"defaultErrnoRet", ENOSYS},
          {"architectures", architectures()},
          {"syscalls", std::move(syscalls)}};
}

}  // namespace wherry::kubelet
