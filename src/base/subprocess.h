// Runs programs. The child gets exactly the descriptors that are named, its own process group, default signal
// handling, and no part of our environment but what is passed. Safe from any thread.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include <sys/types.h>

#include "base/fd.h"

namespace wherry::base {

struct Command {
  std::vector<std::string> argv;             // argv[0] is looked up on PATH unless it has a '/'
  std::vector<std::string> environment;      // "NAME=value"; PATH is added when it is missing
  std::string directory;                     // its working directory; ours when empty
  std::string input;                         // what the child reads on stdin; /dev/null when empty
  std::map<int, int> inherit;                // the child's descriptor -> ours, beyond 0-2
  std::chrono::milliseconds timeout{30000};  // SIGKILL to the child's process group after it
  std::stop_token stop{};                    // SIGKILL to the process group when requested
  size_t outputLimit = 1 << 20;              // bytes kept of stdout and of stderr each; the rest is read and dropped
};

struct Finished {
  int exitCode = 0;  // 128 + signal when a signal ended it
  bool timedOut = false;
  std::string out;
  std::string err;
  bool ok() const { return exitCode == 0 && !timedOut; }
};

// A program that runs beside us.
struct Child {
  pid_t pid = -1;
  Fd process;  // a pidfd: readable once it has ended
};

// Starts it and returns at once: of `command`, input, timeout, stop and outputLimit are not used. `in`, `out` and `err`
// are descriptors of ours; in < 0 is /dev/null. Whoever starts it reaps it. Throws as run().
Child spawn(const Command& command, int in, int out, int err);
// Waits for its end. The exit code is as Finished's.
int reap(pid_t pid);

// Waits for the end of the program. Throws std::system_error when it can't be started (ENOENT: not found on PATH).
Finished run(const Command& command);

// Where `program` is on PATH; nothing when it isn't.
std::optional<std::string> findProgram(const std::string& program);

}  // namespace wherry::base
