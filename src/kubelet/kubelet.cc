#include "kubelet/kubelet.h"

#include <atomic>
#include <set>
#include <stdexcept>
#include <thread>

#include "base/log.h"
#include "base/strings.h"
#include "base/subprocess.h"
#include "client/event_recorder.h"
#include "client/workqueue.h"
#include "kubelet/csi/csi_drivers.h"
#include "kubelet/csi/csi_volumes.h"
#include "kubelet/eviction/node_pressure.h"
#include "kubelet/eviction/node_supplies.h"
#include "kubelet/eviction/pod_eviction.h"
#include "kubelet/images/image_garbage.h"
#include "kubelet/images/image_puller.h"
#include "kubelet/logs/container_logs.h"
#include "kubelet/node/node_images.h"
#include "kubelet/node/node_registration.h"
#include "kubelet/pods/pod_workers.h"
#include "kubelet/runtime/exit_watcher.h"
#include "kubelet/shutdown/node_shutdown.h"
#include "kubelet/static/static_manifest.h"
#include "kubelet/static/static_pods.h"
#include "kubelet/streams/node_connection.h"
#include "kubelet/volumes/claimed_volume.h"
#include "kubelet/volumes/local_volumes.h"
#include "kubelet/volumes/object_uses.h"
#include "kubelet/volumes/volume_stats.h"
#include "views/core_v1.h"
#include "views/discovery_v1.h"
#include "views/storage_v1.h"

namespace wherry::kubelet {
namespace {

const base::Log& kubeletLog() {
  static const base::Log log("kubelet");
  return log;
}

linux::Cgroups checkMachine() {
  for (const char* program : {"crun", "conmon", "skopeo"}) {
    if (base::findProgram(program)) continue;
    throw std::runtime_error(std::string(program) + " is not installed: apt-get install " + program);
  }
  linux::Cgroups cgroups = linux::readCgroups();
  if (!cgroups.missingControllers.empty()) {
    std::string name = cgroups.missingControllers[0];
    kubeletLog().warn(
        "cgroup controller {} is mounted nowhere; should containers fail to start: mkdir -p /sys/fs/cgroup/{} && "
        "mount -t cgroup -o {} cgroup /sys/fs/cgroup/{}",
        base::join(cgroups.missingControllers, ", "), name, name, name);
  }
  return cgroups;
}

std::string logDirOf(const KubeletOptions& options) {
  return options.logDir.empty() ? options.dataDir + "/log" : options.logDir;
}

}  // namespace

struct Kubelet::State {
  KubeletOptions options;
  Machine machine;
  NodeName node;
  client::EventRecorder events;
  ImageStore images;
  ImagePuller puller;
  Crun crun;
  Sandboxes sandboxes;
  ContainerLogs logs;
  Containers containers;
  ExitWatcher exits;
  client::Informer& pods;
  StaticPods statics;
  DrainGate drain;
  CsiDrivers drivers;
  CsiVolumes storage;
  ImageGarbage garbage;
  PodHoldings holdings{containers, sandboxes, CsiPaths{options.kubeletDir}};
  PodEviction eviction;
  NodePressure pressure;
  NodeShutdown shutdown;
  std::unique_ptr<PodWorkers> workers;
  std::shared_ptr<client::NodeConnection> connection;
  client::Workqueue registration{"node"};  // of this node
  std::unique_ptr<client::ReconcileLoop> registrar;
  std::jthread starter;

  explicit State(KubeletOptions given)
      : options(std::move(given)),
        machine(readMachine(options.dataDir)),
        node{options.nodeName, options.nodeIp, options.podCidr, options.maxPods},
        events(options.client, "kubelet", options.nodeName, options.clock),
        images(options.dataDir, options.clock),
        puller(images, {.registriesFile = options.registriesFile,
                        .makeRoom =
                            [this](uint64_t bytes) {
                              if (following) garbage.makeRoom(bytes);  // before that nobody knows what is in use
                            },
                        .clock = options.clock}),
        crun(RuntimePaths::below(options.runDir), checkMachine()),
        sandboxes({options.dataDir, options.runDir, options.nodeIp, &options.network, &crun, options.podPidsLimit}),
        logs(logDirOf(options), options.dataDir, {}, options.clock),
        containers(options.dataDir, options.runDir, crun, options.clock, &logs),
        exits(crun.paths().exits),
        pods(options.informers.informer(core_v1::Pod::kResource(), "spec.nodeName=" + options.nodeName)),
        statics(staticOptions()),
        drain(options.informers.informer(discovery_v1::EndpointSlice::kResource()), options.applied),
        drivers(options.client, options.nodeName, CsiPaths{options.kubeletDir}),
        storage(drivers, CsiPaths{options.kubeletDir}, options.nodeName, lookup(),
                [this](const std::set<std::string>& volumes) { showInUse(volumes); }),
        garbage(
            images, [this] { return imagesInUse(); }, [this](const std::string& message) { reportGarbage(message); },
            options.clock),
        eviction({.pods = [this] { return podsHere(); },
                  .holdings = holdings,
                  .logDir = logDirOf(options),
                  .events = events,
                  .end = [this](const std::string& uid, PodEnd end) { workers->end(uid, std::move(end)); }}),
        pressure(pressureOptions()),
        shutdown({.periods = options.shutdown,
                  .pods = [this] { return podsHere(); },
                  .end = [this](const std::string& uid, PodEnd end) { workers->end(uid, std::move(end)); },
                  .holds = [this](const std::string& uid) { return holdings.any(uid); },
                  .onBegin = [this] { registration.add(options.nodeName); }}) {
    pods.addIndex(kPodsByUid, [](const meta::Object& pod) { return std::vector{std::string(pod.metadata().uid())}; });
    workers = std::make_unique<PodWorkers>(workerOptions());
    connection = newNodeConnection({.findPod = [this](auto ns, auto name) { return pods.get(ns, name); },
                                    .listPods = [this] { return podsHere(); },
                                    .uidOf = [this](const meta::Object& pod) { return uidOf(pod); },
                                    .volumeStats = [this](auto& pod, auto stop) { return volumeStats(pod, stop); },
                                    .containers = containers,
                                    .clock = options.clock,
                                    .runDir = options.runDir,
                                    .nodeName = options.nodeName});
    addHandlers();
    images.onChange([this] { imagesChanged(); });
  }

  StaticPodsOptions staticOptions() {
    return {.client = options.client,
            .pods = pods,
            .nodeName = options.nodeName,
            .directory = options.podManifestPath,
            .enqueue = [this](const std::string& uid) { workers->enqueue(uid); },
            .clock = options.clock};
  }

  std::string uidOf(const meta::Object& pod) const { return statics.uidOf(pod); }

  // The node's pods, each with the uid that it has here; not the mirrors of nothing.
  std::vector<meta::ObjectPtr> podsHere() const {
    std::vector<meta::ObjectPtr> here;
    for (auto& pod : pods.list({})) {
      const std::string uid = uidOf(*pod);
      if (!uid.empty()) here.push_back(uid == pod->metadata().uid() ? pod : podShownBy(*pod, uid));
    }
    return here;
  }

  NodePressureOptions pressureOptions() {
    return {.settings = options.eviction,
            .measure = [this] { return readSupplies(options.dataDir); },
            .pods = [this](NodePressureOptions::Measure what) { return eviction.candidates(what); },
            .holds = [this](const std::string& uid) { return holdings.any(uid); },
            .makeRoom = [this](uint64_t bytes) { garbage.makeRoom(bytes); },
            .evict = [this](const PodUse& use, PodEnd end) { eviction.evict(use.pod, std::move(end)); },
            .enforceLimits = [this] { return eviction.enforceLimits(); },
            .onConditions = [this] { registration.add(options.nodeName); },
            .tell = [this](const std::string& message) { tellOfNode("EvictionThresholdMet", message); },
            .clock = options.clock};
  }

  // Why a pod that has just come is not taken.
  std::optional<PodEnd> refuse(const core_v1::Pod& pod) const {
    if (shutdown.begun()) return shutdownRefusal();
    const auto why = refusalUnder(pressure.conditions(), pod);
    if (why.empty()) return std::nullopt;
    return PodEnd{.reason = "Evicted", .message = why, .kind = PodEnd::Kind::kRefused};
  }

  PodWorkersOptions workerOptions() {
    PodFacts facts{.hostIp = options.nodeIp,
                   .allocatableMilliCpu = machine.cpus * 1000,
                   .allocatableMemory = allocatableMemory(machine)};
    return {.client = options.client,
            .events = events,
            .pods = pods,
            .statics = &statics,
            .containers = containers,
            .exits = exits,
            .sandboxes = sandboxes,
            .images = images,
            .puller = puller,
            .drain = drain,
            .judged = options.judged,
            .storage = storage,
            .refuse = [this](const core_v1::Pod& pod) { return refuse(pod); },
            .released =
                [this] {
                  shutdown.check();
                  if (following) pressure.check();
                },
            .lookup = lookup(),
            .node = {options.nodeIp},
            .dns = {options.clusterDns, options.clusterDomain},
            .facts = facts,
            .memoryCapacity = machine.memory,
            .dataDir = options.dataDir,
            .logDir = logDirOf(options),
            .clock = options.clock};
  }

  json::Array volumeStats(const meta::ObjectPtr& object, const std::stop_token& stop) {
    const core_v1::Pod pod(object);
    const auto ask = [&](const CsiVolume& volume) { return storage.stats(pod, volume, stop); };
    const auto metadata = object->metadata();
    return renderVolumeStats(readVolumeStats(pod, containers.pathsOf(std::string(metadata.uid())), lookup(), ask),
                             metadata.ns(), options.clock.now());
  }

  meta::ObjectPtr find(const meta::Resource& resource, std::string_view ns, std::string_view name) const {
    try {
      return options.client.get(resource, ns, name);
    } catch (const meta::StatusError& error) {
      if (!error.isNotFound()) throw;
      return nullptr;
    }
  }

  // Straight from the API, not from a cache that another thread fills: a pod sees what was written before it.
  ObjectLookup lookup() {
    return {.configMap = [this](auto ns, auto name) { return find(core_v1::ConfigMap::kResource(), ns, name); },
            .secret = [this](auto ns, auto name) { return find(core_v1::Secret::kResource(), ns, name); },
            .persistentVolumeClaim =
                [this](auto ns, auto name) { return find(core_v1::PersistentVolumeClaim::kResource(), ns, name); },
            .persistentVolume = [this](auto name) { return find(core_v1::PersistentVolume::kResource(), "", name); },
            .csiDriver = [this](auto name) { return find(storage_v1::CSIDriver::kResource(), "", name); },
            .volumeAttachment = [this](auto name) { return find(storage_v1::VolumeAttachment::kResource(), "", name); },
            .storageTarget =
                [paths = CsiPaths{options.kubeletDir}](auto uid, auto plugin, auto name) {
                  if (plugin == "nfs") return paths.nfsTarget(uid, name);
                  return plugin == "csi-block" ? paths.blockTarget(uid, name) : paths.target(uid, name);
                },
            .services = [this](auto ns) { return findServices(ns); }};
  }

  std::vector<meta::ObjectPtr> findServices(std::string_view ns) const {
    const auto& resource = core_v1::Service::kResource();
    std::vector<meta::ObjectPtr> services;
    if (!ns.empty()) services = options.client.list(resource, ns).items;
    bool own = ns == "default";
    auto kubernetes = own ? nullptr : find(resource, "default", "kubernetes");
    if (kubernetes) services.insert(services.begin(), kubernetes);
    return services;
  }

  // The attach/detach controller leaves these attached.
  void showInUse(const std::set<std::string>& volumes) {
    json::Array names;
    for (const std::string& name : volumes) names.emplace_back(name);
    const json::Value patch = json::Object{{"status", json::Object{{"volumesInUse", std::move(names)}}}};
    options.client.patch(core_v1::Node::kResource(), "", options.nodeName, client::PatchType::kMerge, patch,
                         {.subresource = "status"});
  }

  // Those that have a volume of this driver, or may have.
  void driverCame(const std::string& driver) {
    workers->driverCame(driver);
    for (const meta::ObjectPtr& pod : pods.list({})) {
      core_v1::Pod view(pod);
      for (auto volume : view.spec().volumes()) {
        if (isClaim(volume) || volume.hasCsi()) workers->refresh(uidOf(*pod));
      }
    }
  }

  void followDrivers() {
    try {
      drivers.start([this](const std::string& driver) { driverCame(driver); });
    } catch (const std::system_error& error) {
      kubeletLog().error("storage drivers are not looked for: {}", error.what());
    }
  }

  void attachmentChanged(const meta::ObjectPtr& before, const meta::ObjectPtr& after) {
    const storage_v1::VolumeAttachment attachment(after ? after : before);
    if (!following || attachment.spec().nodeName() != options.nodeName) return;
    const core_v1::PersistentVolume volume(
        find(core_v1::PersistentVolume::kResource(), "", attachment.spec().source().persistentVolumeName()));
    const auto claim = volume.spec().claimRef();
    if (!claim) return;
    for (const meta::ObjectPtr& pod : pods.list(claim.namespace_())) {
      if (usesObject(core_v1::Pod(pod), SourceKind::kClaim, claim.name())) workers->refresh(uidOf(*pod));
    }
  }

  void addHandlers() {
    options.informers.informer(storage_v1::VolumeAttachment::kResource())
        .addHandler({.onChange = [this](const meta::ObjectPtr& before, const meta::ObjectPtr& after) {
          attachmentChanged(before, after);
        }});
    pods.addHandler({.onChange = [this](const meta::ObjectPtr& before, const meta::ObjectPtr& after) {
      if (following) pressure.check();
      if (before) workers->enqueue(uidOf(*before));
      if (!after && following) garbage.check();  // what its containers used may be used by nobody now
      if (after) workers->enqueue(uidOf(*after));
    }});
    followObjects(core_v1::ConfigMap::kResource(), SourceKind::kConfigMap);
    followObjects(core_v1::Secret::kResource(), SourceKind::kSecret);
    followObjects(core_v1::PersistentVolumeClaim::kResource(), SourceKind::kClaim);
    auto& nodes = options.informers.informer(core_v1::Node::kResource());
    nodes.addHandler({.onChange = [this](const meta::ObjectPtr& before, const meta::ObjectPtr& after) {
      if (after || before->metadata().name() != options.nodeName) return;
      registration.add(options.nodeName);
    }});
  }

  // An event about the Node, as upstream has it; the Node's name stands for its uid there.
  void reportGarbage(const std::string& message) { tellOfNode("FreeDiskSpaceFailed", message); }
  void tellOfNode(std::string_view reason, const std::string& message) {
    kubeletLog().warn("{}", message);
    auto about = find(core_v1::Node::kResource(), {}, options.nodeName);
    if (about) events.record(*about, client::Severity::kWarning, reason, message);
  }

  std::set<std::string> imagesInUse() const {
    std::set<std::string> used;
    for (const ContainerRecord& record : containers.listAll()) used.insert(record.imageId);
    return used;
  }

  void imagesChanged() {
    if (!following) return;  // start() does it
    garbage.check();
    registration.add(options.nodeName);
  }

  void followObjects(const meta::Resource& resource, SourceKind kind) {
    options.informers.informer(resource).addHandler(
        {.onChange = [this, kind](const meta::ObjectPtr& before, const meta::ObjectPtr& after) {
          bool sameContent = before && after && before->revision() == after->revision();
          if (!sameContent) refreshUsers(kind, (after ? after : before)->metadata());
        }});
  }

  void refreshUsers(SourceKind kind, const meta::Metadata& changed) {
    if (!following) return;
    for (const meta::ObjectPtr& object : pods.list(changed.ns())) {
      core_v1::Pod pod(object);
      if (usesObject(pod, kind, changed.name())) workers->refresh(uidOf(*object));
    }
  }

  // All that a former life left, so that what the API has no more is cleared.
  void enqueueLeftovers() {
    for (const std::string& uid : sandboxes.list()) workers->enqueue(uid);
    for (const std::string& id : crun.list()) {
      if (auto uid = Containers::uidOf(id)) workers->enqueue(*uid);
    }
  }

  void registerThisNode() {
    auto now = options.clock.now();
    Machine as = machine;
    as.pressures = pressure.conditions();
    as.shuttingDown = shutdown.begun();
    registerNode(options.client, renderNode(node, as, now, renderNodeImages(images.list())), now);
    drivers.showAgain();
  }

  LocalVolumes localVolumes{options.client, options.informers, options.nodeName, options.dataDir + "/volumes"};

  std::atomic<bool> following{false};
};

Kubelet::Kubelet(KubeletOptions options) : state_(std::make_unique<State>(std::move(options))) {}

Kubelet::~Kubelet() { stop(); }

void Kubelet::start() {
  State& state = *state_;
  state.containers.adopt();
  try {
    state.registerThisNode();
  } catch (const meta::StatusError& error) {
    // A disk that is full, say: pods and what is known go on, the rest follows.
    kubeletLog().error("node {} is not registered: {}; trying again", state.options.nodeName, error.what());
    state.registration.addRateLimited(state.options.nodeName);
  }
  state.registrar = std::make_unique<client::ReconcileLoop>(state.registration,
                                                            [&state](const std::string&) { state.registerThisNode(); });
  state.localVolumes.start();
  state.exits.start([&state](const std::string& id) {
    if (auto uid = Containers::uidOf(id)) state.workers->enqueue(*uid);
  });
  state.starter = std::jthread([&state](std::stop_token stop) {
    if (!state.pods.waitSynced(stop)) return;
    state.statics.start();
    state.enqueueLeftovers();
    state.followDrivers();  // first: pods of drivers mount the directories that this makes
    state.workers->start();
    state.following = true;
    state.pressure.start();
    state.garbage.check();
    kubeletLog().info("node {} follows its pods", state.options.nodeName);
  });
}

void Kubelet::shutDownPods() { state_->shutdown.run(); }

void Kubelet::stop() {
  State& state = *state_;
  if (!state.workers) return;
  state.starter = {};
  state.statics.stop();
  state.pressure.stop();
  state.registrar.reset();
  state.drivers.stop();
  state.exits.stop();
  state.puller.stop();
  state.following = false;
  state.connection.reset();
}

std::shared_ptr<client::NodeConnection> Kubelet::connection() { return state_->connection; }
ImageStore& Kubelet::images() { return state_->images; }
ImagePuller& Kubelet::puller() { return state_->puller; }
ImageGarbage& Kubelet::imageGarbage() { return state_->garbage; }

}  // namespace wherry::kubelet
