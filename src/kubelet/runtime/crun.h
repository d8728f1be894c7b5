// Crun: containers by the OCI runtime crun, each under a conmon that outlives this process, writes the log in CRI
// format and leaves the exit code in a file. Stateless but for its paths: what runs is what the kernel and the disk
// say. Safe from any thread; calls block for some milliseconds. Failures are RuntimeErrors with the program's own
// words.
#pragma once

#include <chrono>
#include <optional>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

#include "base/subprocess.h"
#include "linux/cgroups.h"

namespace wherry::kubelet {

struct RuntimeError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct RuntimePaths {
  std::string state;  // crun's --root; on a tmpfs, so that a reboot empties it
  std::string exits;  // exit files

  static RuntimePaths below(const std::string& runDir) { return {runDir + "/crun", runDir + "/exits"}; }
};

struct CreateContainer {
  std::string id;
  std::string name;    // for the log of conmon itself
  std::string bundle;  // holds config.json; conmon adds pidfile, conmon.pid, attach and ctl
  std::string log;     // its directory exists
  bool terminal = false;
  bool stdin = false;
  bool stdinOnce = false;  // stdin ends with the first client that was attached to it
};

struct ContainerExit {
  int code = 0;  // 128 + signal when a signal ended it
  std::chrono::system_clock::time_point at;
  bool outOfMemory = false;
};

class Crun {
 public:
  Crun(RuntimePaths paths, linux::Cgroups cgroups);  // makes the directories

  // Creates the container, its process waiting to be started; returns the process id.
  pid_t create(const CreateContainer& request) const;
  // The same without a conmon: nobody keeps its output or tells how it ended. The bundle gets a pidfile.
  void createUnmonitored(const std::string& id, const std::string& bundle) const;
  void start(const std::string& id) const;
  // Removes what crun keeps of it, killing what still runs; a container that crun does not know is fine.
  void remove(const std::string& id) const;
  // Ends whatever is still busy creating it: programs that an earlier process of ours started and did not live to see.
  void abandon(const std::string& id) const;
  std::vector<std::string> list() const;  // ids that crun knows

  // Runs a command inside and waits. The deadline, or `stop`, kills it.
  base::Finished exec(const std::string& id, const std::vector<std::string>& argv, std::chrono::milliseconds timeout,
                      std::stop_token stop = {}) const;

  // The container's process if it lives: the one in the bundle's pidfile, and in this control group (process ids are
  // used again).
  std::optional<pid_t> findProcess(const std::string& bundle, std::string_view cgroupsPath) const;
  // The process id namespace of that process, held open: a path to it is good as long as the descriptor, whoever gets
  // the process id next. Nothing when it runs no more.
  base::Fd openPidNamespace(const std::string& bundle, std::string_view cgroupsPath) const;
  // Whether the conmon of this container lives; without it nobody will write the exit file.
  bool isMonitored(const std::string& id, const std::string& bundle) const;
  // Its conmon, as a pidfd; invalid when it is gone.
  base::Fd openMonitor(const std::string& id, const std::string& bundle) const;
  // Waits until its conmon is gone, and with it everything that might still write to the bundle or the exit file.
  void waitUnmonitored(const std::string& id, const std::string& bundle) const;
  // False when there is no such process any more.
  bool signal(const std::string& bundle, std::string_view cgroupsPath, int number) const;

  // The exit file; to be asked while the control group is still there, which tells of lack of memory.
  std::optional<ContainerExit> findExit(const std::string& id, std::string_view cgroupsPath) const;
  void forgetExit(const std::string& id) const;

  const RuntimePaths& paths() const { return paths_; }
  const linux::Cgroups& cgroups() const { return cgroups_; }

 private:
  base::Finished crun(std::vector<std::string> arguments, std::chrono::milliseconds timeout,
                      std::stop_token stop = {}) const;

  RuntimePaths paths_;
  linux::Cgroups cgroups_;
};

// "SIGQUIT", "QUIT", "3": the signal's number; nothing for any other text.
std::optional<int> parseSignal(std::string_view text);

// What conmon says on its sync pipe: a process id, or why there is none. Pure; throws RuntimeError.
pid_t parseSyncLine(std::string_view line);

}  // namespace wherry::kubelet
