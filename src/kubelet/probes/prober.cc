#include "kubelet/probes/prober.h"

#include <array>

#include <fmt/format.h>

#include "base/guarded.h"
#include "base/strings.h"
#include "client/workqueue.h"
#include "kubelet/probes/probe_counter.h"

namespace wherry::kubelet {
namespace {

using std::chrono::duration_cast;
using std::chrono::milliseconds;

constexpr unsigned kWorkers = 4;

enum Kind { kStartup, kReadiness, kLiveness, kKinds };
constexpr std::array<const char*, kKinds> kNames = {"startup", "readiness", "liveness"};
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

struct Probed {
  ProbedContainer container;
  std::array<ProbeCounter, kKinds> counters;

  bool has(Kind kind) const { return static_cast<bool>(probeOf(container.target.container, kind)); }
  bool said(Kind kind, ProbeResult result) const { return counters[kind].verdict == result; }

  ProbeVerdict verdict() const {
    ProbeVerdict out;
    out.started = !has(kStartup) || said(kStartup, ProbeResult::kSuccess);
    out.ready = out.started && (!has(kReadiness) || said(kReadiness, ProbeResult::kSuccess));
    if (has(kStartup) && said(kStartup, ProbeResult::kFailure))
      out.failed = "startup";
    else if (said(kLiveness, ProbeResult::kFailure))
      out.failed = "liveness";
    return out;
  }
};

// "liveness/<container id>"
std::string keyOf(Kind kind, const std::string& id) { return std::string(kNames[kind]) + "/" + id; }

std::optional<std::pair<Kind, std::string>> parseKey(std::string_view key) {
  auto parts = base::splitOnce(key, '/');
  for (int kind = 0; parts && kind < kKinds; ++kind) {
    if (parts->first == kNames[static_cast<size_t>(kind)])
      return std::pair(static_cast<Kind>(kind), std::string(parts->second));
  }
  return std::nullopt;
}

}  // namespace

struct Prober::State {
  client::EventRecorder& events;
  const base::Clock& clock;
  std::function<void(const std::string&)> onChange;
  base::Guarded<std::map<std::string, Probed>> probed;  // by container id
  client::Workqueue queue;
  std::unique_ptr<client::ReconcileLoop> loop;

  State(client::EventRecorder& recorder, const base::Clock& theClock, std::function<void(const std::string&)> changed)
      : events(recorder), clock(theClock), onChange(std::move(changed)) {
    loop = std::make_unique<client::ReconcileLoop>(
        "probes", queue, [this](const std::string& key) { probe(key); }, kWorkers);
  }

  std::optional<Probed> findProbed(const std::string& id) const {
    return probed.with([&](const auto& all) -> std::optional<Probed> {
      auto found = all.find(id);
      if (found != all.end()) return found->second;
      return std::nullopt;
    });
  }

  // The first probe comes after its delay; one of a container that has run for long is due now.
  void schedule(const Probed& container, Kind kind) {
    if (!container.has(kind)) return;
    auto times = timesOf(probeOf(container.container.target.container, kind));
    auto due = container.container.startedAt + times.initialDelay;
    auto delay = std::max(milliseconds(0), duration_cast<milliseconds>(due - clock.now()));
    queue.addAfter(keyOf(kind, container.container.id), delay);
  }

  void scheduleAfterStartup(const Probed& container) {
    schedule(container, kReadiness);
    schedule(container, kLiveness);
  }

  void probe(const std::string& key) {
    auto parsed = parseKey(key);
    auto container = parsed ? findProbed(parsed->second) : std::nullopt;
    if (!container) return;  // it has ended meanwhile
    Kind kind = parsed->first;
    auto probe = probeOf(container->container.target.container, kind);
    ProbeAnswer answer = runProbe(probe, container->container.target);
    if (!answer.success) recordFailure(*container, kind, answer.output);
    bool changed = false;
    auto after = probed.with([&](auto& all) -> std::optional<Probed> {
      auto found = all.find(parsed->second);
      if (found == all.end()) return std::nullopt;
      changed = found->second.counters[kind].add(answer.success, probe);
      return found->second;
    });
    if (!after) return;
    if (changed) onChange(std::string(after->container.pod.metadata().uid()));
    if (kind == kStartup && after->said(kStartup, ProbeResult::kSuccess)) return scheduleAfterStartup(*after);
    bool failedForGood = kind != kReadiness && after->said(kind, ProbeResult::kFailure);
    if (!failedForGood) queue.addAfter(key, timesOf(probe).period);
  }

  void recordFailure(const Probed& container, Kind kind, const std::string& output) {
    events.record(*container.container.pod.object(), client::Severity::kWarning, "Unhealthy",
                  fmt::format("{} probe failed: {}", kTitles[kind], output),
                  fmt::format("spec.containers{{{}}}", container.container.target.container.name()));
  }
};

Prober::Prober(client::EventRecorder& events, const base::Clock& clock,
               std::function<void(const std::string&)> onChange)
    : state_(std::make_unique<State>(events, clock, std::move(onChange))) {}

Prober::~Prober() = default;

void Prober::add(const ProbedContainer& container) {
  Probed probed{container, {}};
  if (!probed.has(kStartup) && !probed.has(kReadiness) && !probed.has(kLiveness)) return;
  bool added = state_->probed.with([&](auto& all) { return all.try_emplace(container.id, probed).second; });
  if (!added) return;
  if (probed.has(kStartup))
    state_->schedule(probed, kStartup);
  else
    state_->scheduleAfterStartup(probed);
}

void Prober::remove(const std::string& id) {
  state_->probed.with([&](auto& all) { all.erase(id); });
}

std::optional<ProbeVerdict> Prober::find(const std::string& id) const {
  auto found = state_->findProbed(id);
  return found ? std::optional(found->verdict()) : std::nullopt;
}

}  // namespace wherry::kubelet
