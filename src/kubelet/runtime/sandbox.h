// Sandboxes: what a pod's containers share. Namespaces for network, IPC and host name (kept by bind mounts, no pause
// process; shared process ids have one, pod_init.h), a network address, /dev/shm. Sandboxes outlive this process; after
// a reboot they are gone and made anew. Safe from any thread for different pods. Failures are std::system_error,
// RuntimeError or meta::StatusError.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "kubelet/runtime/crun.h"
#include "network/pod_network.h"
#include "views/core_v1.h"

namespace wherry::kubelet {

struct SandboxRecord {
  std::string uid;
  std::string ns;
  std::string name;
  std::string ip;  // its addresses, separated by a comma; the node's for a pod on the host network
  bool hostNetwork = false;
  bool sharedProcesses = false;  // shareProcessNamespace
  int attempt = 0;               // counts the sandboxes that this pod has had
};

struct SandboxOptions {
  std::string dataDir;
  std::string runDir;
  std::string nodeIp;
  network::PodNetwork* network = nullptr;
  const Crun* crun = nullptr;
  int64_t podPidsLimit = 16'384;  // a pod that forks without end stops there, and the node goes on
};

class Sandboxes {
 public:
  explicit Sandboxes(SandboxOptions options);

  // The sandbox if it stands whole.
  std::optional<SandboxRecord> find(std::string_view uid) const;
  // Makes it, or what is missing of it. `hostname` is what the pod sees as its own name.
  SandboxRecord create(const core_v1::Pod& pod, const std::string& hostname);
  // Takes back address, namespaces, /dev/shm, control group and what lies in volumes of the pod's own. The containers
  // have ended already; their records stay. Fine for what is half made or was never there.
  void release(std::string_view uid);
  // The same, and deletes all of the pod's files.
  void remove(std::string_view uid);

  // Whether a TCP connection to the pod waits to be accepted; false for a pod on the host network.
  bool anyUnaccepted(std::string_view uid) const;

  // Uids of pods of which anything is left on this node.
  std::vector<std::string> list() const;

 private:
  SandboxOptions options_;
};

}  // namespace wherry::kubelet
