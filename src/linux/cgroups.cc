#include "linux/cgroups.h"

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <set>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/strings.h"

namespace wherry::linux {
namespace {

namespace fs = std::filesystem;

// The controllers that crun writes to.
const std::set<std::string, std::less<>> kRequired = {"blkio",   "cpu",     "cpuacct", "cpuset", "devices",
                                                      "freezer", "hugetlb", "memory",  "pids"};

// /proc/cgroups: "#subsys_name hierarchy num_cgroups enabled", separated by tabs.
std::vector<std::string> enabledControllers(std::string_view procCgroups) {
  std::vector<std::string> names;
  for (std::string_view line : base::split(procCgroups, '\n')) {
    auto fields = base::split(line, '\t');
    if (fields.size() == 4 && !line.starts_with('#') && fields[3] == "1") names.emplace_back(fields[0]);
  }
  return names;
}

void removeTree(const fs::path& group) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(group, error)) {
    if (entry.is_directory(error) && !entry.is_symlink(error)) removeTree(entry.path());
  }
  ::rmdir(group.c_str());
}

void collectProcesses(const fs::path& group, std::vector<pid_t>& into) {
  auto text = base::readFileIfExists((group / "cgroup.procs").string()).value_or("");
  for (std::string_view line : base::split(text, '\n')) {
    if (auto pid = base::parseInt<pid_t>(line)) into.push_back(*pid);
  }
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(group, error)) {
    if (entry.is_directory(error) && !entry.is_symlink(error)) collectProcesses(entry.path(), into);
  }
}

std::string hierarchyOf(const Cgroups& cgroups, std::string_view controller) {
  if (cgroups.version == CgroupVersion::kV2) return cgroups.hierarchies.empty() ? "" : cgroups.hierarchies[0];
  auto found = cgroups.controllers.find(controller);
  return found == cgroups.controllers.end() ? "" : found->second;
}

// v2: a group has the controllers that each group above it passes on. Who may not change one of these finds out at the
// limit itself.
void delegate(const std::string& hierarchy, std::string_view path, std::string_view controller) {
  for (size_t slash = 0; slash != std::string_view::npos; slash = path.find('/', slash + 1)) {
    std::string file = hierarchy + std::string(path.substr(0, slash)) + "/cgroup.subtree_control";
    base::Fd control(::open(file.c_str(), O_WRONLY | O_CLOEXEC));
    std::string text = fmt::format("+{}", controller);
    [[maybe_unused]] ssize_t written = control ? ::write(control.get(), text.data(), text.size()) : 0;
  }
}

}  // namespace

Cgroups detectCgroups(const std::vector<Mount>& mounts, std::string_view procCgroups) {
  Cgroups cgroups;
  std::set<std::string> mounted;
  std::string unified;
  for (const Mount& mount : mounts) {
    if (mount.fstype == "cgroup2") unified = mount.target;
    if (mount.fstype != "cgroup") continue;
    cgroups.version = CgroupVersion::kV1;
    cgroups.hierarchies.push_back(mount.target);
    for (std::string_view option : base::split(mount.superOptions, ',')) {
      mounted.emplace(option);
      cgroups.controllers.emplace(option, mount.target);
      if (option == "name=systemd") cgroups.processHierarchy = mount.target;
    }
  }
  if (cgroups.version == CgroupVersion::kV2) {
    if (!unified.empty()) cgroups.hierarchies = {unified};
    cgroups.processHierarchy = unified;
    return cgroups;
  }
  // Beside them a hierarchy of version 2 without controllers may stand, in which the runtime makes its groups too.
  if (!unified.empty()) cgroups.hierarchies.push_back(unified);
  for (const std::string& name : enabledControllers(procCgroups)) {
    if (!mounted.contains(name) && kRequired.contains(name)) cgroups.missingControllers.push_back(name);
  }
  return cgroups;
}

Cgroups readCgroups() { return detectCgroups(readMounts(), base::readFileIfExists("/proc/cgroups").value_or("")); }

void moveToCgroup(const Cgroups& cgroups, std::string_view path, pid_t pid) {
  if (cgroups.processHierarchy.empty()) return;
  std::string group = cgroups.processHierarchy + std::string(path);
  base::makeDirectories(group);
  base::Fd file(::open((group + "/cgroup.procs").c_str(), O_WRONLY | O_CLOEXEC));
  if (!file) base::throwErrno("open " + group);
  base::writeAll(file.get(), fmt::format("{}", pid), group);
}

std::vector<CgroupSetting> renderLimits(CgroupVersion version, const CgroupLimits& limits) {
  bool v1 = version == CgroupVersion::kV1;
  std::vector<CgroupSetting> out;
  auto number = [](const std::optional<int64_t>& value, const char* none) {
    return value ? std::to_string(*value) : std::string(none);
  };
  // As container runtimes convert: 2..262144 shares to a weight of 1..10000.
  uint64_t weight = 1 + (std::clamp<uint64_t>(limits.cpuShares, 2, 262144) - 2) * 9999 / 262142;
  if (v1) {
    out.push_back({"cpu", "cpu.shares", std::to_string(limits.cpuShares)});
    out.push_back({"cpu", "cpu.cfs_quota_us", number(limits.cpuQuota, "-1")});
    out.push_back({"memory", "memory.limit_in_bytes", number(limits.memoryLimit, "-1")});
  } else {
    out.push_back({"cpu", "cpu.weight", std::to_string(weight)});
    out.push_back({"cpu", "cpu.max", number(limits.cpuQuota, "max") + " 100000"});
    out.push_back({"memory", "memory.max", number(limits.memoryLimit, "max")});
  }
  out.push_back({"pids", "pids.max", number(limits.processes, "max")});
  return out;
}

void limitCgroup(const Cgroups& cgroups, std::string_view path, const CgroupLimits& limits) {
  for (const CgroupSetting& setting : renderLimits(cgroups.version, limits)) {
    std::string hierarchy = hierarchyOf(cgroups, setting.controller);
    if (hierarchy.empty()) continue;
    std::string group = hierarchy + std::string(path);
    base::makeDirectories(group);
    if (cgroups.version == CgroupVersion::kV2) delegate(hierarchy, path, setting.controller);
    std::string name = group + "/" + std::string(setting.file);
    base::Fd file(::open(name.c_str(), O_WRONLY | O_CLOEXEC));
    if (!file && errno == ENOENT) continue;  // the kernel is built without it
    if (!file) base::throwErrno("open " + name);
    base::writeAll(file.get(), setting.text, name);
  }
}

void removeCgroup(const Cgroups& cgroups, std::string_view path) {
  for (const std::string& hierarchy : cgroups.hierarchies) removeTree(hierarchy + std::string(path));
}

void removeEmptyCgroup(const Cgroups& cgroups, std::string_view path) {
  for (const std::string& hierarchy : cgroups.hierarchies) ::rmdir((hierarchy + std::string(path)).c_str());
}

bool isInCgroup(pid_t pid, std::string_view suffix) {
  if (pid <= 0) return false;
  std::optional<std::string> text;
  try {
    text = base::readFileIfExists(fmt::format("/proc/{}/cgroup", pid));
  } catch (const std::system_error&) {
    return false;  // it ended while we looked (ESRCH)
  }
  if (!text) return false;
  for (std::string_view line : base::split(*text, '\n')) {
    if (line.ends_with(suffix)) return true;
  }
  return false;
}

int64_t oomKills(const Cgroups& cgroups, std::string_view path) {
  // Both files have a line "oom_kill N".
  const char* file = cgroups.version == CgroupVersion::kV1 ? "/memory.oom_control" : "/memory.events";
  for (const std::string& hierarchy : cgroups.hierarchies) {
    auto text = base::readFileIfExists(hierarchy + std::string(path) + file).value_or("");
    for (std::string_view line : base::split(text, '\n')) {
      auto fields = base::splitOnce(line, ' ');
      if (fields && fields->first == "oom_kill") return base::parseInt<int64_t>(fields->second).value_or(0);
    }
  }
  return 0;
}

std::vector<pid_t> cgroupProcesses(const Cgroups& cgroups, std::string_view path) {
  std::vector<pid_t> processes;
  for (const std::string& hierarchy : cgroups.hierarchies) collectProcesses(hierarchy + std::string(path), processes);
  std::sort(processes.begin(), processes.end());
  processes.erase(std::unique(processes.begin(), processes.end()), processes.end());
  return processes;
}

}  // namespace wherry::linux
