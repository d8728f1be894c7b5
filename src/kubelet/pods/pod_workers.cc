#include "kubelet/pods/pod_workers.h"

#include "client/workqueue.h"
#include "kubelet/csi/csi_volumes.h"
#include "kubelet/pods/pod_worker.h"
#include "meta/persistent_volumes.h"

namespace wherry::kubelet {
namespace {

constexpr unsigned kWorkers = 4;  // more would only wait for the kernel's link lock
constexpr size_t kBackgroundTasks = 128;

}  // namespace

struct PodWorkers::State {
  PodWorkersOptions options;
  client::Workqueue queue{"kubelet"};
  base::Guarded<std::map<std::string, std::shared_ptr<PodState>>> states;
  Prober prober;
  Launcher launcher;
  BackgroundTasks background{kBackgroundTasks};
  ClaimHolders holders;
  PodWorkerParts parts;
  std::unique_ptr<client::ReconcileLoop> loop;

  explicit State(PodWorkersOptions given)
      : options(std::move(given)),
        prober(options.events, options.clock, [this](const std::string& uid) { queue.add(uid); }),
        launcher(options.containers, options.images, options.events, options.lookup, options.dataDir, options.logDir,
                 options.dns.domain, options.memoryCapacity),
        parts{options, queue, prober, launcher, background, holders, [this](const std::string& uid) { refresh(uid); }} {}

  std::shared_ptr<PodState> stateOf(const std::string& uid) {
    return states.with([&](auto& all) {
      auto& entry = all[uid];
      if (!entry) entry = std::make_shared<PodState>();
      return entry;
    });
  }

  bool isStatic(const std::string& uid) const { return options.statics && options.statics->owns(uid); }

  // The pod as it is: the informer's, unless our own last write is newer.
  void takeNewest(const std::string& uid, PodState& state) const {
    if (isStatic(uid)) {
      state.pod = options.statics->newest(uid, state.pod);
      return;
    }
    auto found = options.pods.byIndex(kPodsByUid, uid);
    if (found.empty()) {
      state.pod = nullptr;
      return;
    }
    if (!state.pod || found.front()->revision() > state.pod->revision()) state.pod = found.front();
  }

  void refresh(const std::string& uid) {
    auto inbox = stateOf(uid)->inbox;
    inbox->with([](auto& news) {
      news.push_back([](PodState& state) {
        state.volumesStale = true;
        state.prepareFailure.reset();
        state.refreshFailure.reset();
        std::erase_if(state.failures, [](auto& entry) { return entry.second.reason == "CreateContainerConfigError"; });
      });
    });
    queue.add(uid);
  }

  // Those that run already have their claims, whoever comes first now.
  void rememberHolders() {
    for (const meta::ObjectPtr& pod : options.pods.list({})) {
      const std::string uid(pod->metadata().uid());
      const auto claims = meta::claimNamesOf(*pod);
      if (claims.empty() || !options.sandboxes.find(uid)) continue;
      for (const std::string& claim : claims) {
        holders.take(std::string(pod->metadata().ns()) + "/" + claim, uid, ClaimHolders::Sharing::kAny);
      }
    }
  }

  void reconcile(const std::string& uid) {
    auto state = stateOf(uid);
    takeNewest(uid, *state);
    state->readInbox();
    PodWorker worker(parts, uid, state);
    if (state->pod) return worker.reconcile();
    if (isStatic(uid)) return;  // the API has not shown it yet
    if (!worker.removeEverything()) return;
    states.with([&](auto& all) { all.erase(uid); });
  }
};

PodWorkers::PodWorkers(PodWorkersOptions options) : state_(std::make_unique<State>(std::move(options))) {}

PodWorkers::~PodWorkers() { state_->loop.reset(); }

void PodWorkers::start() {
  state_->rememberHolders();
  state_->loop = std::make_unique<client::ReconcileLoop>(
      state_->queue, [state = state_.get()](const std::string& uid) { state->reconcile(uid); }, kWorkers);
}

void PodWorkers::enqueue(const std::string& uid) {
  if (!uid.empty()) state_->queue.add(uid);
}

void PodWorkers::end(const std::string& uid, PodEnd end) {
  if (uid.empty()) return;
  if (end.grace) end.until = state_->options.clock.now() + *end.grace;
  auto inbox = state_->stateOf(uid)->inbox;
  inbox->with([&](auto& news) { news.push_back([end](PodState& state) { state.end = end; }); });
  state_->queue.add(uid);
}

void PodWorkers::refresh(const std::string& uid) {
  if (!uid.empty()) state_->refresh(uid);
}

void PodWorkers::driverCame(const std::string& driver) {
  state_->background.run([state = state_.get(), driver](const std::stop_token& stop) {
    state->options.storage.tearDownLeftovers(driver, stop);
  });
}

}  // namespace wherry::kubelet
