// A process that is started inside a running container: by `crun exec`, which stays beside it as its parent, ends as it
// ends and passes its exit code on (docs/decisions/010-exec.md). Safe from any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "base/subprocess.h"
#include "client/node_connection.h"
#include "json/value.h"
#include "kubelet/runtime/crun.h"

namespace wherry::kubelet {

struct ExecTarget {
  std::string id;      // of the container
  std::string bundle;  // its directory, with config.json
  std::string cgroup;
};

// The OCI process to run: the container's own of config.json with another command and terminal. Pure.
json::Value renderExecProcess(const json::Value& config, const std::vector<std::string>& command, bool terminal);

// Why `command` could not be run, in the words of the API; `message` is crun's. Pure.
std::string execFailure(const std::vector<std::string>& command, std::string_view message);

class ExecProcess {
 public:
  // Throws std::system_error or RuntimeError. With a terminal, crun sends it to `consoleSocket`.
  ExecProcess(const Crun& crun, ExecTarget target, const client::ProcessOptions& options,
              const std::string& consoleSocket);
  ~ExecProcess();  // kills and reaps it if that was not done
  ExecProcess(const ExecProcess&) = delete;
  ExecProcess& operator=(const ExecProcess&) = delete;

  // Our ends; invalid where nothing was asked for. None blocks.
  base::Fd in, out, err;
  pid_t pid() const { return child_.pid; }                    // of crun
  int endDescriptor() const { return child_.process.get(); }  // readable once it has ended

  // Whether the command itself runs: what was written before that are crun's words.
  bool hasStarted() const;
  // Kills it with all that share its session; crun ends then.
  void kill();
  // To be called once it has ended: its exit code, and what crun had to say ("" when the command was run).
  struct End {
    int exitCode = 0;
    std::string failure;
  };
  End reap();

 private:
  std::vector<pid_t> groupProcesses() const;

  const Crun& crun_;
  ExecTarget target_;
  base::Child child_;
  base::Fd log_;
  pid_t session_ = 0;  // that was killed
  bool reaped_ = false;
};

// Kills what execs of an earlier process of ours left: their crun and all that share a session with what it runs.
void killForsakenExecs(const Crun& crun);

}  // namespace wherry::kubelet
