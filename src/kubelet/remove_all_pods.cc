#include "kubelet/remove_all_pods.h"

#include <algorithm>
#include <chrono>
#include <set>
#include <utility>
#include <vector>

#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "kubelet/csi/csi_volumes.h"
#include "kubelet/runtime/containers.h"
#include "kubelet/runtime/leftovers.h"
#include "kubelet/runtime/sandbox.h"
#include "kubelet/volumes/nfs.h"

namespace wherry::kubelet {
namespace {

const base::Log kLog("kubelet");
constexpr std::chrono::seconds kGrace{10};
constexpr std::chrono::seconds kMonitorsEndWithin{2};

class Removal {
 public:
  Removal(const std::string& dataDir, const std::string& runDir, network::PodNetwork& network, PodFiles files)
      : dataDir_(dataDir),
        runDir_(runDir),
        files_(files),
        crun_(RuntimePaths::below(runDir), linux::readCgroups()),
        sandboxes_({dataDir, runDir, {}, &network, &crun_}),
        containers_(dataDir, runDir, crun_, base::Clock::system()) {}

  bool run() {
    if (files_ == PodFiles::kKeep) askToEnd();
    std::vector<pid_t> programs;
    std::set<std::string> uids = findUids(programs);
    // First of all, and without crun: that may have been uninstalled meanwhile. The conmons bury their dead and end.
    for (const std::string& uid : uids) {
      attempt("processes of pod " + uid, [&] { endCgroup(crun_.cgroups(), containers_.pathsOf(uid).cgroup); });
    }
    endProcesses(programs, kMonitorsEndWithin);
    for (const std::string& uid : uids) attempt("pod " + uid, [&] { remove(uid); });
    attempt("volumes of storage drivers", [] { removeCsiLeftovers({}); });
    linux::removeEmptyCgroup(crun_.cgroups(), "/wherry/conmon");
    linux::removeEmptyCgroup(crun_.cgroups(), "/wherry");
    return whole_;
  }

 private:
  template <typename Step>
  void attempt(const std::string& what, Step step) {
    try {
      step();
    } catch (const std::exception& error) {
      kLog.error("removing {}: {}", what, error.what());
      whole_ = false;
    }
  }

  std::set<std::string> findUids(std::vector<pid_t>& programs) const {
    std::set<std::string> uids = podsWithMounts(linux::readMounts(), dataDir_, runDir_);
    for (std::string& uid : sandboxes_.list()) uids.insert(std::move(uid));
    std::vector<std::string> ids = crun_.list();
    for (const RuntimeProgram& program : findRuntimePrograms(crun_.paths().state)) {
      programs.push_back(program.pid);
      ids.push_back(program.container);
    }
    for (const std::string& id : ids) {
      if (auto uid = Containers::uidOf(id)) uids.insert(*uid);
    }
    return uids;
  }

  void remove(const std::string& uid) {
    attempt("what crun keeps of pod " + uid, [&] { containers_.removeAll(uid); });
    attempt("storage of pod " + uid, [&] { unmountNfs(CsiPaths{}.nfsVolumes(uid)); });
    if (files_ == PodFiles::kKeep)
      sandboxes_.release(uid);
    else
      sandboxes_.remove(uid);
  }

  // Each container gets its stop signal; their records say how they ended.
  void askToEnd() {
    containers_.adopt();
    std::vector<std::pair<base::Fd, ContainerRecord>> ending;
    for (const std::string& uid : sandboxes_.list()) {
      for (const ContainerRecord& record : containers_.list(uid)) {
        if (auto process = askToEnd(record)) ending.emplace_back(std::move(process), record);
      }
    }
    auto deadline = std::chrono::steady_clock::now() + kGrace;
    for (const auto& [process, record] : ending) {
      auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
      pollfd ended{process.get(), POLLIN, 0};
      if (::poll(&ended, 1, static_cast<int>(std::max<int64_t>(left.count(), 0))) > 0) {
        crun_.waitUnmonitored(record.id(), bundleOf(record));
      }
    }
    for (const std::string& uid : sandboxes_.list()) containers_.observeExits(uid);
  }

  // Its process, or an empty descriptor when it runs no more.
  base::Fd askToEnd(const ContainerRecord& record) const {
    auto cgroup = containers_.pathsOf(record.podUid).containerCgroup(record.name, record.attempt);
    auto pid = crun_.findProcess(bundleOf(record), cgroup);
    if (!pid || record.state() != ContainerRecord::State::kRunning) return {};
    base::Fd process(static_cast<int>(::syscall(SYS_pidfd_open, *pid, 0)));
    containers_.signal(record, parseSignal(record.stopSignal).value_or(SIGTERM));
    return process;
  }

  std::string bundleOf(const ContainerRecord& record) const {
    return containers_.pathsOf(record.podUid).container(record.name, record.attempt);
  }

  std::string dataDir_, runDir_;
  PodFiles files_;
  Crun crun_;
  Sandboxes sandboxes_;
  Containers containers_;
  bool whole_ = true;
};

}  // namespace

bool removeAllPods(const std::string& dataDir, const std::string& runDir, network::PodNetwork& network,
                   PodFiles files) {
  return Removal(dataDir, runDir, network, files).run();
}

}  // namespace wherry::kubelet
