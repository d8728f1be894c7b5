// Finds what is left of pods by what the kernel has of them, for when the files that tell of them are gone. Failures
// are std::system_error.
#pragma once

#include <chrono>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

#include "linux/cgroups.h"
#include "linux/mounts.h"

namespace wherry::kubelet {

// The uids of pods that have a mount below <dataDir>/pods/<uid> or <runDir>/ns/<uid>. Pure.
std::set<std::string> podsWithMounts(const std::vector<linux::Mount>& mounts, const std::string& dataDir,
                                     const std::string& runDir);

// A conmon or crun that works with one of our runtime directories.
struct RuntimeProgram {
  pid_t pid = 0;
  std::string container;  // the id that it names; "" when it names none
};

// Pure: from the arguments of a program; its pid is not set. Nothing when it is another program, or works with another
// directory than `state` (crun's --root).
std::optional<RuntimeProgram> parseRuntimeProgram(std::string_view commandLine, std::string_view state);

// Those of this mount namespace: elsewhere the same path is another directory.
std::vector<RuntimeProgram> findRuntimePrograms(const std::string& state);

// Waits for their ends, `grace` at most; then SIGKILL, and waits some seconds more.
void endProcesses(const std::vector<pid_t>& pids, std::chrono::milliseconds grace = {});
// SIGKILL to everything in the control group and below, until it is empty.
void endCgroup(const linux::Cgroups& cgroups, std::string_view path);

}  // namespace wherry::kubelet
