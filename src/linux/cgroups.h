// Control groups of both versions: where the hierarchies are, and the groups the product makes in them. Paths are as
// /proc/PID/cgroup shows them ("/wherry/pod1/web"), the same in every hierarchy. Safe from any thread.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

#include "linux/mounts.h"

namespace wherry::linux {

enum class CgroupVersion { kV1, kV2 };

struct Cgroups {
  CgroupVersion version = CgroupVersion::kV2;
  std::vector<std::string> hierarchies;         // mount points: v2's, and in v1 one per controller set
  std::vector<std::string> missingControllers;  // v1: enabled in the kernel, mounted nowhere; crun refuses to run then
  std::map<std::string, std::string, std::less<>> controllers;  // v1: mount point by controller
  std::string processHierarchy;  // where a service supervisor tracks processes; "" when nowhere
};

// Pure: from the mounts and the text of /proc/cgroups.
Cgroups detectCgroups(const std::vector<Mount>& mounts, std::string_view procCgroups);
Cgroups readCgroups();

// Puts a process into the group `path` of the process hierarchy only (made when missing).
void moveToCgroup(const Cgroups& cgroups, std::string_view path, pid_t pid);

// What a group and all below it may have together.
struct CgroupLimits {
  uint64_t cpuShares = 1024;           // a core's worth when all want more than there is; v2's weight follows from it
  std::optional<int64_t> cpuQuota;     // microseconds in a period of 100 ms
  std::optional<int64_t> memoryLimit;  // bytes
  std::optional<int64_t> processes;
};
// Makes the group where its limits are kept, and sets them; those of a controller that is not there are left out.
// Throws std::system_error.
void limitCgroup(const Cgroups& cgroups, std::string_view path, const CgroupLimits& limits);

// The file and text of each limit, in the words of this version. Pure.
struct CgroupSetting {
  std::string_view controller;
  std::string_view file;
  std::string text;
};
std::vector<CgroupSetting> renderLimits(CgroupVersion version, const CgroupLimits& limits);

// Removes the group and those below it from every hierarchy; one that still holds processes stays.
void removeCgroup(const Cgroups& cgroups, std::string_view path);

// The same for the group alone, if nothing is below it.
void removeEmptyCgroup(const Cgroups& cgroups, std::string_view path);

// Whether the process lives and is in a group whose path ends with `suffix`.
bool isInCgroup(pid_t pid, std::string_view suffix);

// How many processes of the group were killed because its memory limit was reached.
int64_t oomKills(const Cgroups& cgroups, std::string_view path);

// All processes in the group and below, of whichever hierarchy has it.
std::vector<pid_t> cgroupProcesses(const Cgroups& cgroups, std::string_view path);

}  // namespace wherry::linux
