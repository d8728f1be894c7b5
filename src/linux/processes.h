// Processes as /proc shows them. Stateless; safe from any thread.
#pragma once

#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include <sys/types.h>

namespace wherry::linux {

struct Process {
  pid_t pid = 0;
  pid_t parent = 0;
  pid_t session = 0;
  bool dead = false;  // a zombie
};

// The text of /proc/PID/stat; nothing when it is none. Pure.
std::optional<Process> parseProcessStat(std::string_view stat);
// Nothing when there is no such process (any more).
std::optional<Process> findProcess(pid_t pid);
std::vector<pid_t> listProcesses();
std::vector<pid_t> childrenOf(pid_t pid);

// Whether they run different program files; false when one of them is gone, or is about to be.
bool runDifferentPrograms(pid_t one, pid_t other);

// Kills (SIGKILL) those of `candidates()` that belong to the session, again until none is left: one may fork while
// another dies. Does not wait for the last of them to be gone.
void killSession(pid_t session, const std::function<std::vector<pid_t>()>& candidates);

}  // namespace wherry::linux
