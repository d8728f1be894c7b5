// Kubelet: runs the pods that are bound to this node. What it is told comes from the API through its Client, what it
// did goes back there as status and events; containers are children of conmon and outlive it.
//
//   Kubelet kubelet({.client = client, .informers = informers, .nodeName = "node1", ...});
//   informers.start();
//   kubelet.start();
//
// Safe from any thread once started. The constructor throws std::runtime_error, with what to do, when containers can't
// be run here at all (crun, conmon or skopeo missing, a cgroup controller not mounted).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/published.h"
#include "client/client.h"
#include "client/informer.h"
#include "client/node_connection.h"
#include "kubelet/eviction/thresholds.h"
#include "kubelet/images/image_store.h"
#include "kubelet/shutdown/shutdown_periods.h"
#include "network/pod_network.h"

namespace wherry::kubelet {

class ImageGarbage;
class ImagePuller;

struct KubeletOptions {
  client::Client& client;
  client::InformerFactory& informers;  // handlers are added by the constructor: start them after it
  network::PodNetwork& network;
  std::string nodeName;
  std::string nodeIp;   // or of both families, separated by a comma
  std::string podCidr;  // likewise; shown in the Node; "" leaves it out
  int maxPods = 110;    // shown in the Node
  int64_t podPidsLimit = 16'384;
  std::string dataDir = "/var/lib/wherry";
  std::string runDir = "/run/wherry";
  std::string logDir;                           // holds pods/ and containers/ (logs/container_logs.h); "": dataDir/log
  std::string kubeletDir = "/var/lib/kubelet";  // where storage drivers expect a kubelet's directories
  EvictionSettings eviction = parseEviction({});  // when pods go because the node runs short of something
  ShutdownPeriods shutdown;                       // how long pods have to end when the machine does
  std::string podManifestPath;                    // a directory of static pods (static/static_pods.h); "": none
  std::string registriesFile;  // mirrors, logins and certificates of registries (images/registries.h); "": none
  std::string clusterDns = "10.96.0.10";
  std::string clusterDomain = "cluster.local";
  // What proxy and DNS have applied: a container of a deleted pod gets its signal only after they dropped it.
  std::vector<const base::Published<int64_t>*> applied;
  // The revision up to which pods are judged by the NetworkPolicies, INT64_MAX when there are none: a pod's first
  // container starts once the kernel knows the pod's address. Null: nobody judges.
  const base::Published<int64_t>* judged = nullptr;
  const base::Clock& clock = base::Clock::system();
};

class Kubelet {
 public:
  explicit Kubelet(KubeletOptions options);
  ~Kubelet();  // as stop()
  Kubelet(const Kubelet&) = delete;
  Kubelet& operator=(const Kubelet&) = delete;

  // Takes over the containers that run, registers the node and follows its pods from then on. Blocks for the
  // registration.
  void start();
  // Stops following; containers run on.
  void stop();

  // The machine goes down: ends all pods in the order of their priorities, and takes no new ones. Returns when they
  // have ended or their time is over.
  void shutDownPods();

  std::shared_ptr<client::NodeConnection> connection();
  ImageStore& images();
  ImagePuller& puller();
  ImageGarbage& imageGarbage();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace wherry::kubelet
