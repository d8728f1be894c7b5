// Containers: creates, starts, watches and removes the containers of this node's pods through crun and conmon. What
// there is, is on disk: one record per attempt; this class holds a copy of them in memory. An ended container is only
// its record and its log: mounts, writable layer and cgroup go as soon as the end is seen.
//
// Safe from any thread, for one pod from one thread at a time. Failures are RuntimeError or std::system_error.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/guarded.h"
#include "kubelet/runtime/container_record.h"
#include "kubelet/runtime/crun.h"
#include "kubelet/runtime/pod_paths.h"

namespace wherry::kubelet {

class ContainerLogs;

struct NewContainer {
  ContainerRecord record;          // createdAt is set here
  std::vector<std::string> lower;  // image layers, the uppermost first
  bool terminal = false;
  bool stdin = false;
  bool stdinOnce = false;
  // config.json; called once the root file system is mounted at `rootfs`.
  std::function<json::Value(const std::string& rootfs)> spec;
};

class Containers {
 public:
  // `logs`, which may be null, looks after the containers' logs and outlives this.
  Containers(std::string dataDir, std::string runDir, const Crun& crun, const base::Clock& clock,
             ContainerLogs* logs = nullptr);

  // Takes over what an earlier process left: running containers stay as they are, ended ones are noted, what was never
  // finished is removed. To be called once, first.
  void adopt();

  // All attempts that are still on record, by name and attempt.
  std::vector<ContainerRecord> list(std::string_view uid) const;
  std::vector<ContainerRecord> listAll() const;  // of all pods
  std::optional<ContainerRecord> find(std::string_view uid, std::string_view name, int attempt) const;

  // Creates it, stopped just before its first instruction; start() lets it go. After a StartError it has ended, with
  // the reason StartError; after any other failure nothing is left of it.
  ContainerRecord create(const NewContainer& container);
  ContainerRecord start(const ContainerRecord& record);

  // As Crun's.
  base::Fd openPidNamespace(const ContainerRecord& record) const;

  // False when it runs no more.
  bool signal(const ContainerRecord& record, int number) const;
  base::Finished exec(const ContainerRecord& record, const std::vector<std::string>& argv,
                      std::chrono::milliseconds timeout, std::stop_token stop = {}) const;

  // Its conmon, as a pidfd: whoever is told of its end calls observeExits(). Invalid when it has ended.
  base::Fd openMonitor(const ContainerRecord& record) const;
  // Looks for ends since the last look and notes them; one whose conmon was killed is ended too, since nobody would
  // see its end. Returns whether there were any.
  bool observeExits(std::string_view uid);
  // Removes record and log, killing what still runs.
  void remove(const ContainerRecord& record);
  void removeAll(std::string_view uid);

  // The uid at the beginning of a container's id; nothing when `id` is no such id.
  static std::optional<std::string> uidOf(std::string_view id);
  PodPaths pathsOf(std::string_view uid) const { return PodPaths::of(dataDir_, runDir_, uid); }
  std::string terminationLog(const ContainerRecord& record) const;
  const Crun& crun() const { return crun_; }

 private:
  using Records = std::map<std::string, std::map<std::string, ContainerRecord>, std::less<>>;  // uid -> id

  std::string directoryOf(const ContainerRecord& record) const;
  std::string cgroupOf(const ContainerRecord& record) const;
  void save(const ContainerRecord& record);
  void adoptAttempt(const std::string& uid, const std::string& directory);
  void runOrFail(const ContainerRecord& record, const std::function<void()>& step);
  void finish(ContainerRecord record, const ContainerExit& exit);
  void discard(const ContainerRecord& record, const std::string& directory);
  void removeLogs(const ContainerRecord& record) const;
  void releaseRuntime(const std::string& id, const std::string& directory) const;

  std::string dataDir_;
  std::string runDir_;
  const Crun& crun_;
  const base::Clock& clock_;
  ContainerLogs* logs_;
  base::Guarded<Records> records_;
};

}  // namespace wherry::kubelet
