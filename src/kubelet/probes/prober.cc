#include "kubelet/probes/prober.h"

#include <array>
#include <map>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "base/guarded.h"
#include "base/random.h"
#include "kubelet/pods/background.h"
#include "kubelet/probes/network_probe.h"
#include "kubelet/probes/probe_counter.h"
#include "net/event_loop.h"

namespace wherry::kubelet {
namespace {

using std::chrono::duration_cast;
using std::chrono::milliseconds;

constexpr size_t kBlockingProbes = 64;  // at a time, on threads
constexpr uint32_t kShares = 1000;

enum Kind { kStartup, kReadiness, kLiveness, kKinds };
constexpr std::array<const char*, kKinds> kTitles = {"Startup", "Readiness", "Liveness"};

core_v1::Probe probeOf(const core_v1::Container& container, Kind kind) {
  switch (kind) {
    case kStartup:
      return container.startupProbe();
    case kReadiness:
      return container.readinessProbe();
    default:
      return container.livenessProbe();
  }
}

// Of the loop's thread alone.
struct Probed {
  struct Activity {
    ProbeCounter counter;
    std::shared_ptr<const NetworkProbe> network;  // null: it blocks
    base::MonotonicTime due;
    net::EventLoop::TimerId timer;
  };

  ProbedContainer container;
  std::array<Activity, kKinds> activities;

  explicit Probed(ProbedContainer given) : container(std::move(given)) {
    for (Kind kind : {kStartup, kReadiness, kLiveness}) {
      if (!has(kind)) continue;
      if (auto network = networkProbeOf(probe(kind), container.target)) {
        activities[kind].network = std::make_shared<const NetworkProbe>(std::move(*network));
      }
    }
    if (!container.adopted) return;
    if (container.adopted->started) activities[kStartup].counter.verdict = ProbeResult::kSuccess;
    if (container.adopted->ready) activities[kReadiness].counter.verdict = ProbeResult::kSuccess;
  }

  core_v1::Probe probe(Kind kind) const { return probeOf(container.target.container, kind); }
  bool has(Kind kind) const { return static_cast<bool>(probe(kind)); }
  bool said(Kind kind, ProbeResult result) const { return activities[kind].counter.verdict == result; }
  bool awaitsStartup() const { return has(kStartup) && !said(kStartup, ProbeResult::kSuccess); }

  ProbeVerdict verdict() const {
    ProbeVerdict out;
    out.started = !awaitsStartup();
    out.ready = out.started && (!has(kReadiness) || said(kReadiness, ProbeResult::kSuccess));
    if (has(kStartup) && said(kStartup, ProbeResult::kFailure))
      out.failed = "startup";
    else if (said(kLiveness, ProbeResult::kFailure))
      out.failed = "liveness";
    return out;
  }
};

using ProbedPtr = std::shared_ptr<Probed>;

}  // namespace

struct Prober::State {
  client::EventRecorder& events;
  const base::Clock& clock;
  std::function<void(const std::string&)> onChange;
  base::Guarded<std::map<std::string, ProbeVerdict>> verdicts;  // by container id
  net::EventLoop loop;
  std::map<std::string, ProbedPtr> probed;     // of the loop's thread, as is what follows
  std::shared_ptr<const net::TlsContext> tls;  // made for the first that needs it
  BackgroundTasks blocking{kBlockingProbes};
  std::jthread thread;

  State(client::EventRecorder& recorder, const base::Clock& theClock, std::function<void(const std::string&)> changed)
      : events(recorder), clock(theClock), onChange(std::move(changed)) {
    thread = std::jthread([this] { loop.run(); });
  }

  ~State() {
    loop.stop();
    thread.join();
  }

  void begin(const ProbedPtr& one) {
    probed[one->container.id] = one;
    if (one->awaitsStartup()) return schedule(one, kStartup);
    scheduleAfterStartup(one);
  }

  void scheduleAfterStartup(const ProbedPtr& one) {
    schedule(one, kReadiness);
    schedule(one, kLiveness);
  }

  void schedule(const ProbedPtr& one, Kind kind) {
    if (!one->has(kind)) return;
    double share = one->container.adopted ? static_cast<double>(base::randomBelow(kShares)) / kShares : 0;
    auto running = duration_cast<milliseconds>(clock.now() - one->container.startedAt);
    await(one, kind, loop.now() + firstProbeAfter(timesOf(one->probe(kind)), running, share));
  }

  void await(const ProbedPtr& one, Kind kind, base::MonotonicTime due) {
    Probed::Activity& activity = one->activities[kind];
    activity.due = due;
    activity.timer = loop.addTimer(due, [this, one, kind] { probe(one, kind); });
  }

  void end(const std::string& id) {
    auto found = probed.find(id);
    if (found == probed.end()) return;
    for (const Probed::Activity& activity : found->second->activities) loop.cancelTimer(activity.timer);
    probed.erase(found);
  }

  void probe(const ProbedPtr& one, Kind kind) {
    const auto& network = one->activities[kind].network;
    if (!network) return probeBlocking(one, kind);
    if (network->tls && !tls) tls = net::newTlsClient({});
    // Where success is nothing new, the answer is looked for when the next round wakes us anyway.
    const Probed::Activity& activity = one->activities[kind];
    bool settled = activity.counter.verdict == ProbeResult::kSuccess && activity.counter.failures == 0;
    ProbeWait wait{.timeout = timesOf(one->probe(kind)).timeout,
                   .lookAt = settled ? activity.due + kProbeRound : loop.now()};
    startNetworkProbe(loop, network, tls.get(), wait, [this, one, kind](std::optional<ProbeAnswer> answer) {
      answer ? take(one, kind, *answer) : probeBlocking(one, kind);
    });
  }

  void probeBlocking(const ProbedPtr& one, Kind kind) {
    // What the thread sees of `one` never changes.
    blocking.run([this, one, kind](const std::stop_token&) {
      ProbeAnswer answer = runProbe(one->probe(kind), one->container.target);
      loop.post([this, one, kind, answer = std::move(answer)] { take(one, kind, answer); });
    });
  }

  void take(const ProbedPtr& one, Kind kind, const ProbeAnswer& answer) {
    if (!probed.contains(one->container.id)) return;  // it has ended meanwhile
    if (!answer.success) recordFailure(*one, kind, answer.output);
    Probed::Activity& activity = one->activities[kind];
    if (activity.counter.add(answer.success, one->probe(kind))) publish(*one);
    if (kind == kStartup && one->said(kStartup, ProbeResult::kSuccess)) {
      one->container.adopted.reset();  // what follows happens to this container alone
      return scheduleAfterStartup(one);
    }
    bool failedForGood = kind != kReadiness && one->said(kind, ProbeResult::kFailure);
    if (failedForGood) return;
    await(one, kind, nextProbe(activity.due, timesOf(one->probe(kind)), loop.now()));
  }

  void publish(const Probed& one) {
    verdicts.with([&](auto& all) {
      if (auto found = all.find(one.container.id); found != all.end()) found->second = one.verdict();
    });
    onChange(std::string(one.container.pod.metadata().uid()));
  }

  void recordFailure(const Probed& one, Kind kind, const std::string& output) {
    std::string_view name = one.container.target.container.name();
    auto found = findContainer(one.container.pod, name);
    events.record(*one.container.pod.object(), client::Severity::kWarning, "Unhealthy",
                  fmt::format("{} probe failed: {}", kTitles[kind], output),
                  fieldPathOf(name, found ? found->kind : ContainerKind::kRegular));
  }
};

Prober::Prober(client::EventRecorder& events, const base::Clock& clock,
               std::function<void(const std::string&)> onChange)
    : state_(std::make_unique<State>(events, clock, std::move(onChange))) {}

Prober::~Prober() = default;

void Prober::add(const ProbedContainer& container) {
  auto one = std::make_shared<Probed>(container);
  if (!one->has(kStartup) && !one->has(kReadiness) && !one->has(kLiveness)) return;
  bool added = state_->verdicts.with([&](auto& all) { return all.try_emplace(container.id, one->verdict()).second; });
  if (added) state_->loop.post([state = state_.get(), one] { state->begin(one); });
}

void Prober::remove(const std::string& id) {
  bool known = state_->verdicts.with([&](auto& all) { return all.erase(id) > 0; });
  if (known) state_->loop.post([state = state_.get(), id] { state->end(id); });
}

std::optional<ProbeVerdict> Prober::find(const std::string& id) const {
  return state_->verdicts.with([&](const auto& all) -> std::optional<ProbeVerdict> {
    auto found = all.find(id);
    if (found != all.end()) return found->second;
    return std::nullopt;
  });
}

}  // namespace wherry::kubelet
