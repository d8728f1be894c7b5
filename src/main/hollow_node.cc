#include "main/hollow_node.h"

#include <atomic>
#include <csignal>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <pthread.h>

#include "apiserver/flow/go_duration.h"
#include "base/guarded.h"
#include "base/strings.h"
#include "cli/config_file.h"
#include "client/https_client.h"
#include "client/informer.h"
#include "client/kubeconfig.h"
#include "client/own_writes.h"
#include "client/workqueue.h"
#include "kubelet/node/node_object.h"
#include "kubelet/node/node_registration.h"
#include "main/hollow_pod.h"
#include "meta/quantity.h"
#include "meta/time.h"
#include "views/coordination_v1.h"

namespace wherry::main {
namespace {

using core_v1::Pod;
using meta::ObjectPtr;

constexpr std::string_view kLabel = "wherry.dev/hollow-node";
constexpr std::string_view kLeaseNamespace = "kube-node-lease";
constexpr std::chrono::seconds kRenewEvery{10};  // as upstream's kubelet

struct Options {
  std::string kubeconfig = "/var/lib/wherry/admin.kubeconfig";
  std::string name = "hollow";
  int count = 1;
  int cpus = 32;
  std::string memory = "256Gi";
  int maxPods = 110;
  std::vector<std::string> labels;
  std::string runFor = "0s";
  unsigned connections = 8;
};

// 100.64.0.0/10 (RFC 6598): addresses that no cluster gives to its own pods.
std::string addressAt(uint32_t index) {
  constexpr uint32_t kBlock = 100U << 24 | 64U << 16;
  constexpr uint32_t kSize = 1U << 22;
  const uint32_t address = kBlock + index % kSize;
  return fmt::format("{}.{}.{}.{}", address >> 24, address >> 16 & 255, address >> 8 & 255, address & 255);
}

kubelet::Machine machineOf(const Options& options, int64_t memory) {
  constexpr int64_t kDisk = 1LL << 40;
  return {.cpus = options.cpus,
          .memory = memory,
          .diskSize = kDisk,
          .architecture = "amd64",
          .kernelVersion = "hollow",
          .osImage = "hollow",
          .machineId = options.name,
          .bootId = options.name,
          .runtimeVersion = "hollow://1"};
}

class HollowNodes {
 public:
  HollowNodes(client::Client& client, const Options& options, std::chrono::nanoseconds runFor, int64_t memory)
      : client_(client),
        options_(options),
        runFor_(runFor),
        memory_(memory),
        // Two of these processes at once shall not give out the same.
        firstAddress_(static_cast<uint32_t>(std::hash<std::string>{}(options.name))),
        informers_(client),
        pods_(informers_.informer(Pod::kResource(), "spec.nodeName!=")) {
    for (int i = 0; i < options.count; ++i) {
      nodes_.emplace(options.count == 1 ? options.name : fmt::format("{}-{}", options.name, i), hostAddress());
    }
  }

  void start() {
    for (const auto& [name, address] : nodes_) registration_.add(name);
    registrar_.emplace(
        registration_, [this](const std::string& name) { keep(name); }, options_.connections);
    pods_.addHandler({.onChange = [this](const ObjectPtr& before, const ObjectPtr& after) { look(before, after); },
                      .onSynced = {},
                      .onRevision = {}});
    informers_.start();
    loop_.emplace(
        queue_, [this](const std::string& key) { reconcile(key); }, options_.connections);
  }

  ~HollowNodes() { informers_.stop(); }

 private:
  std::string hostAddress() { return addressAt(firstAddress_ + given_++); }

  // The node is made, and its Lease renewed from then on.
  void keep(const std::string& name) {
    const auto now = clock_.now();
    const bool isNew = registered_.with([&](auto& names) { return names.emplace(name).second; });
    try {
      isNew ? kubelet::registerNode(client_, render(name, now), now) : renewLease(name, now);
    } catch (const meta::StatusError&) {
      registered_.with([&](auto& names) { names.erase(name); });  // or somebody deleted it: it is made again
      throw;
    }
    registration_.addAfter(name, kRenewEvery);
  }

  void renewLease(const std::string& name, base::WallTime now) {
    const json::Value patch =
        json::Object{{"spec", json::Object{{"holderIdentity", name}, {"renewTime", meta::formatMicroTime(now)}}}};
    client_.patch(coordination_v1::Lease::kResource(), kLeaseNamespace, name, client::PatchType::kMerge, patch);
  }

  json::Value render(const std::string& name, base::WallTime now) {
    const kubelet::NodeName node{name, nodes_.at(name), {}, options_.maxPods};
    json::Value rendered = kubelet::renderNode(node, machineOf(options_, memory_), now);
    json::Object& labels = json::ensureObject(rendered.at("metadata").as_object(), "labels");
    labels[kLabel] = "true";
    for (const auto& label : options_.labels) {
      if (const auto pair = base::splitOnce(label, '=')) labels[pair->first] = pair->second;
    }
    return rendered;
  }

  void look(const ObjectPtr& before, const ObjectPtr& after) {
    const Pod pod(after ? after : before);
    if (nodes_.contains(pod.spec().nodeName())) queue_.add(pod.key().text());
  }

  void reconcile(const std::string& key) {
    const Pod pod(pods_.get(meta::ObjectKey::parse(key)));
    if (!pod) return writes_.forget(key);
    if (!writes_.visible(key, pods_)) return;
    const auto now = clock_.now();
    const HollowFacts facts{nodes_.find(pod.spec().nodeName())->second, addressAt(firstAddress_ + given_++), runFor_};
    const auto step = decideHollowStep(pod, facts, now);
    if (step.lookAgain) queue_.addAfter(key, std::chrono::ceil<std::chrono::milliseconds>(*step.lookAgain - now));
    apply(key, pod, step);
  }

  void apply(const std::string& key, const Pod& pod, const HollowStep& step) {
    const auto metadata = pod.metadata();
    if (step.what == HollowStep::What::kRemove) {
      client_.remove(Pod::kResource(), metadata.ns(), metadata.name(),
                     {.gracePeriodSeconds = 0, .uid = std::string(metadata.uid())});
    } else if (step.what == HollowStep::What::kPatchStatus) {
      writes_.wrote(key, *client_.patch(Pod::kResource(), metadata.ns(), metadata.name(), client::PatchType::kStrategic,
                                        step.patch, {.subresource = "status"}));
    }
  }

  client::Client& client_;
  const base::Clock& clock_ = base::Clock::system();
  const Options& options_;
  const std::chrono::nanoseconds runFor_;
  const int64_t memory_;
  const uint32_t firstAddress_;
  std::atomic<uint32_t> given_ = 0;
  std::map<std::string, std::string, std::less<>> nodes_;  // name -> address; unchanged after the constructor
  base::Guarded<std::set<std::string>> registered_;
  client::InformerFactory informers_;
  client::Informer& pods_;
  client::OwnWrites writes_;
  client::Workqueue registration_{"hollow-nodes"};
  client::Workqueue queue_{"hollow-pods"};
  std::optional<client::ReconcileLoop> registrar_;
  std::optional<client::ReconcileLoop> loop_;
};

int runHollowNodes(const Options& options) {
  const auto runFor = apiserver::parseGoDuration(options.runFor);
  if (!runFor) throw cli::UsageError(fmt::format("--run-for {}: not a duration, such as 30s or 2m", options.runFor));
  const auto memory = meta::Quantity::parse(options.memory);
  if (!memory) throw cli::UsageError(fmt::format("--memory {}: not a quantity, such as 256Gi", options.memory));
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);  // before any thread is made, so that all of them inherit it
  const auto client = client::newHttpsClient(client::loadKubeconfig(options.kubeconfig));
  HollowNodes nodes(*client, options, *runFor, memory->value());
  nodes.start();
  int signal = 0;
  ::sigwait(&signals, &signal);
  return 0;
}

}  // namespace

std::function<int()> declareHollowNode(CLI::App& parser) {
  auto options = std::make_shared<Options>();
  parser.add_option("--kubeconfig", options->kubeconfig, "where the server is")
      ->type_name("FILE")
      ->capture_default_str();
  parser.add_option("--name", options->name, "the node's name; of several, what comes before -0, -1, ...")
      ->type_name("NAME")
      ->capture_default_str();
  parser.add_option("--count", options->count, "how many nodes")->check(CLI::Range(1, 100'000))->capture_default_str();
  parser.add_option("--cpus", options->cpus, "how many CPUs each has")
      ->check(CLI::Range(1, 100'000))
      ->capture_default_str();
  parser.add_option("--memory", options->memory, "how much memory each has")->capture_default_str();
  parser.add_option("--max-pods", options->maxPods, "how many pods each takes")
      ->check(CLI::Range(0, 1'000'000))
      ->capture_default_str();
  parser.add_option("--label", options->labels, "a label that each has, as key=value");
  parser
      .add_option(
          "--run-for", options->runFor,
          "when pods end that are not to be started again (annotation wherry.dev/hollow-run-for of the pod wins)")
      ->type_name("DURATION")
      ->capture_default_str();
  parser.add_option("--connections", options->connections, "how many requests at once")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  parser.footer(
      "Runs until it gets SIGTERM; the Node objects stay: kubectl delete nodes -l wherry.dev/hollow-node=true");
  return [options] { return runHollowNodes(*options); };
}

}  // namespace wherry::main
