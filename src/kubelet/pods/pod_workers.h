// PodWorkers: brings each pod of this node to what its object says. One look at a time at a pod: observe, decide(),
// act, show the status. Looks are caused by events (object changed, container ended, probe answered, pull done) and by
// the deadlines that decide() names.
//
// enqueue() and refresh() are safe from any thread.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "client/client.h"
#include "client/event_recorder.h"
#include "client/informer.h"
#include "kubelet/images/image_puller.h"
#include "kubelet/pods/dns_config.h"
#include "kubelet/pods/drain_gate.h"
#include "kubelet/pods/launcher.h"
#include "kubelet/pods/observation.h"
#include "kubelet/pods/pod_status.h"
#include "kubelet/probes/prober.h"
#include "kubelet/runtime/containers.h"
#include "kubelet/runtime/exit_watcher.h"
#include "kubelet/runtime/sandbox.h"
#include "kubelet/static/static_pods.h"

namespace wherry::kubelet {

class CsiVolumes;

struct PodWorkersOptions {
  client::Client& client;
  client::EventRecorder& events;
  client::Informer& pods;  // of this node, with the index kPodsByUid
  StaticPods* statics = nullptr;
  Containers& containers;
  ExitWatcher& exits;
  Sandboxes& sandboxes;
  ImageStore& images;
  ImagePuller& puller;
  DrainGate& drain;
  const base::Published<int64_t>* judged = nullptr;  // see KubeletOptions
  CsiVolumes& storage;
  // Why this node does not take a pod that has just come; nothing when it does.
  std::function<std::optional<PodEnd>(const core_v1::Pod& pod)> refuse = [](const auto&) { return std::nullopt; };
  // A pod holds nothing of the node any more but its logs and records.
  std::function<void()> released = [] {};
  ObjectLookup lookup;
  NodeIdentity node;
  ClusterDns dns;
  PodFacts facts;  // of the node; podIp is each pod's own
  int64_t memoryCapacity = 0;
  std::string dataDir;
  std::string logDir;
  const base::Clock& clock;
};

inline constexpr const char* kPodsByUid = "uid";

class PodWorkers {
 public:
  explicit PodWorkers(PodWorkersOptions options);
  ~PodWorkers();  // stops; containers run on

  // Before this nothing is done: the informer must be synced, or every pod would look deleted.
  void start();
  void enqueue(const std::string& uid);
  // The node gives up the pod: it is Failed from now on. One that is over already stays as it is.
  void end(const std::string& uid, PodEnd end);
  // An object that the pod uses has changed: bring its volumes up to date, try again what failed for want of it.
  void refresh(const std::string& uid);
  // A storage driver can be asked from now on: takes back what crashes left of its volumes.
  void driverCame(const std::string& driver);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace wherry::kubelet
