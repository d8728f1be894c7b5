#include "controllers/cluster.h"

#include <condition_variable>
#include <map>
#include <mutex>

#include <fmt/format.h>

#include "apiserver/api_server.h"
#include "base/guarded.h"
#include "client/event_recorder.h"
#include "client/informer.h"
#include "client/reflector.h"
#include "client/workqueue.h"
#include "controllers/object_feed.h"
#include "controllers/registry.h"
#include "json/yaml.h"
#include "meta/time.h"
#include "pki/certificate.h"
#include "pki/key.h"
#include "scheduler/scheduler.h"
#include "views/core_v1.h"

namespace wherry::integration {

namespace {

using core_v1::Pod;
using meta::ObjectPtr;

// Ends and starts pods in no time.
class KubeletActor {
 public:
  KubeletActor(client::Client& client, client::InformerFactory& informers)
      : client_(client), pods_(informers.informer(Pod::kResource())) {
    pods_.addHandler({.onChange =
                          [this](const ObjectPtr&, const ObjectPtr& after) {
                            if (after) queue_.add(after->key().text());
                          },
                      .onSynced = {},
                      .onRevision = {}});
    loop_.emplace(queue_, [this](const std::string& key) { reconcile(key); });
  }

 private:
  void reconcile(const std::string& key) {
    const Pod pod(pods_.get(meta::ObjectKey::parse(key)));
    if (!pod || pod.spec().nodeName().empty()) return;
    try {
      if (pod.metadata().deleting()) {
        client_.remove(Pod::kResource(), pod.metadata().ns(), pod.metadata().name(), {.gracePeriodSeconds = 0});
      } else if (pod.status().phase() == "Pending") {
        run(pod);
      }
    } catch (const meta::StatusError& error) {
      if (!error.isNotFound()) throw;
    }
  }

  void run(const Pod& pod) {
    const auto ip = fmt::format("10.244.0.{}", ++lastIp_);
    const json::Value patch = json::parseYaml(fmt::format(R"(
status:
  phase: Running
  podIP: {0}
  podIPs: [{{ip: {0}}}]
  conditions: [{{type: Ready, status: 'True', lastTransitionTime: '{1}'}}]
)",
                                                          ip, meta::formatTime(base::Clock::system().now())));
    client_.patch(Pod::kResource(), pod.metadata().ns(), pod.metadata().name(), client::PatchType::kStrategic, patch,
                  {.subresource = "status"});
  }

  client::Client& client_;
  client::Informer& pods_;
  int lastIp_ = 1;
  client::Workqueue queue_{"kubelet-actor"};
  std::optional<client::ReconcileLoop> loop_;
};

// Hears of every change of every object.
class Watcher {
 public:
  explicit Watcher(client::Client& client) : reflector_(client) {
    for (const auto& resource : controllers::deletableResources(*schema::builtinRegistry())) {
      reflector_.follow(resource, {},
                        {.onList = [this](const client::ObjectList&) { changed({}); },
                         .onEvent = [this, resource](const client::WatchEvent&) { changed(resource); },
                         .onRevision = {}});
    }
  }

  bool waitUntil(const std::function<bool()>& holds) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    uint64_t seen = changes();
    while (!holds()) {
      std::unique_lock lock(mutex_);
      if (!anyChange_.wait_until(lock, deadline, [&] { return changes_ != seen; })) return false;
      seen = changes_;
    }
    return true;
  }

  int writesOf(const meta::Resource& resource) {
    std::lock_guard lock(mutex_);
    return writes_[resource];
  }

 private:
  uint64_t changes() {
    std::lock_guard lock(mutex_);
    return changes_;
  }

  void changed(const meta::Resource& resource) {
    std::lock_guard lock(mutex_);
    ++changes_;
    ++writes_[resource];
    anyChange_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable anyChange_;
  uint64_t changes_ = 0;
  std::map<meta::Resource, int> writes_;
  client::Reflector reflector_;
};

}  // namespace

struct Cluster::State {
  std::unique_ptr<storage::Store> store = storage::openMemoryStore(apiserver::storeOptions(""));
  apiserver::ApiServer api{{.store = *store,
                            .kinds = schema::builtinRegistry(),
                            .nodes = {},
                            .serviceAccountKeysPem = {pki::newPrivateKey()}}};
  std::unique_ptr<client::EventRecorder> events;
  std::unique_ptr<controllers::ControllerContext> context;
  std::unique_ptr<scheduler::SchedulerContext> schedulerContext;
  std::vector<std::unique_ptr<controllers::Controller>> controllers;
  std::unique_ptr<scheduler::Scheduler> scheduler;
  std::unique_ptr<KubeletActor> kubelet;
  std::unique_ptr<client::InformerFactory> informers;
  std::unique_ptr<Watcher> watcher;
};

Cluster::Cluster(Kubelet kubelet) : state_(std::make_unique<State>()) {
  State& state = *state_;
  state.api.start();
  auto& client = state.api.client();
  state.watcher = std::make_unique<Watcher>(client);
  state.informers = std::make_unique<client::InformerFactory>(client);
  state.events = std::make_unique<client::EventRecorder>(client, "test");
  state.context = std::make_unique<controllers::ControllerContext>(controllers::ControllerContext{
      .client = client,
      .informers = *state.informers,
      .events = *state.events,
      .rootCaPem = "PEM",
      .authority = pki::newAuthority("test", std::chrono::hours(24), base::Clock::system().now()),
      .feed = {}});
  if (kubelet == Kubelet::kRuns) state.kubelet = std::make_unique<KubeletActor>(client, *state.informers);
  state.controllers = controllers::startControllers(*state.context);
  state.schedulerContext = std::make_unique<scheduler::SchedulerContext>(
      scheduler::SchedulerContext{.client = client, .informers = *state.informers, .events = *state.events});
  state.scheduler = scheduler::startScheduler(*state.schedulerContext);
  // Pods are refused while the account they run as isn't there.
  eventually([this] { return find(core_v1::ServiceAccount::kResource(), "default", "default") != nullptr; });
}

Cluster::~Cluster() {
  state_->informers->stop();
  state_->scheduler.reset();
  state_->controllers.clear();
  state_->kubelet.reset();
}

client::Client& Cluster::client() { return state_->api.client(); }

std::unique_ptr<client::Client> Cluster::clientOf(const apiserver::User& user) {
  return state_->api.newClient(user, "test");
}

void Cluster::create(std::string_view yaml) {
  for (const auto& object : json::parseYamlStream(yaml)) {
    const auto version = meta::GroupVersion::parse(json::getString(object, "apiVersion"));
    const auto kind = schema::builtinRegistry()->findKind(
        {version.group, version.version, std::string(json::getString(object, "kind"))});
    const bool namespaced = kind->resource.scope == meta::Scope::kNamespaced;
    client().create(kind->resource, namespaced ? json::getString(object, "metadata.namespace", "default") : "", object);
  }
}

void Cluster::addNode(std::string_view name) {
  create(fmt::format("{{apiVersion: v1, kind: Node, metadata: {{name: {}}}}}", name));
  const auto status = json::parseYaml(R"(
status:
  capacity: {cpu: '4', memory: 8Gi, pods: '110'}
  allocatable: {cpu: '4', memory: 8Gi, pods: '110'}
  conditions: [{type: Ready, status: 'True', reason: KubeletReady, lastTransitionTime: '2026-01-01T00:00:00Z'}]
)");
  client().patch(core_v1::Node::kResource(), "", name, client::PatchType::kMerge, status, {.subresource = "status"});
}

bool Cluster::eventually(const std::function<bool()>& holds) { return state_->watcher->waitUntil(holds); }

ObjectPtr Cluster::find(const meta::Resource& resource, std::string_view ns, std::string_view name) {
  try {
    return client().get(resource, ns, name);
  } catch (const meta::StatusError& error) {
    if (error.isNotFound()) return nullptr;
    throw;
  }
}

std::vector<ObjectPtr> Cluster::list(const meta::Resource& resource, std::string_view ns, std::string_view selector) {
  return client().list(resource, ns, {.labelSelector = std::string(selector)}).items;
}

std::vector<std::string> Cluster::eventsAbout(std::string_view ns, std::string_view name) {
  std::vector<std::string> texts;
  for (const auto& object : list(core_v1::Event::kResource(), ns)) {
    if (json::getString(object->tree(), "involvedObject.name") != name) continue;
    texts.push_back(
        fmt::format("{} {}", json::getString(object->tree(), "reason"), json::getString(object->tree(), "message")));
  }
  return texts;
}

int Cluster::writesOf(const meta::Resource& resource) { return state_->watcher->writesOf(resource); }

}  // namespace wherry::integration
