#include "kubelet/eviction/node_pressure.h"

#include <algorithm>
#include <optional>
#include <system_error>
#include <thread>

#include <fmt/format.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/guarded.h"
#include "base/log.h"
#include "linux/pressure.h"

namespace wherry::kubelet {

namespace {

using namespace std::chrono_literals;

constexpr auto kStall = 100ms, kWindow = 2000ms;  // a twentieth of the time lost to waiting is worth a look
constexpr auto kUnderPressure = 10s;              // as upstream looks always
constexpr auto kAtOnce = 1s;                      // what a pod has to end for a hard threshold, as upstream's
constexpr std::chrono::seconds kMostOften{10}, kLeastOften{120}, kBetweenMeasures{2};  // of pods' own limits
constexpr auto kPatience = 30s;  // for one pod to end and to leave nothing, before the next one goes

const base::Log& kubeletLog() {
  static const base::Log log("kubelet");
  return log;
}

}  // namespace

struct NodePressure::State {
  NodePressureOptions options;
  base::Fd wake{::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)};
  std::optional<base::Fd> memory, disk;
  base::Guarded<std::set<std::string>> conditions;
  // The thread's own.
  PressureState pressure;
  std::string leaving;  // the uid of the pod that was given up last
  base::WallTime leavesUntil;
  std::set<Signal> told;
  struct {
    std::optional<int64_t> taken;  // by all pods that have limits; nothing: there are none
    base::WallTime at;
    std::chrono::seconds every{0};
  } limits;
  std::jthread thread;

  explicit State(NodePressureOptions given) : options(std::move(given)) {
    if (!wake) base::throwErrno("eventfd");
  }

  void run(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      std::optional<base::WallTime> again;
      try {
        again = soonest(look(), lookAtLimits());
      } catch (const std::exception& error) {
        kubeletLog().error("looking at what the node has left: {}", error.what());
        if (!pressure.metSince.empty()) again = options.clock.now() + kUnderPressure;
      }
      wait(again);
    }
  }

  void wait(std::optional<base::WallTime> until) {
    int millis = -1;
    if (until) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(*until - options.clock.now());
      millis = static_cast<int>(std::clamp<int64_t>(left.count(), 0, 3'600'000));
    }
    pollfd entries[] = {
        {wake.get(), POLLIN, 0}, {memory ? memory->get() : -1, POLLPRI, 0}, {disk ? disk->get() : -1, POLLPRI, 0}};
    if (::poll(entries, 3, millis) <= 0) return;
    uint64_t count = 0;
    if (entries[0].revents != 0 && ::read(wake.get(), &count, sizeof count) < 0) return;
    // What can't tell any more would wake us for ever.
    if ((entries[1].revents & POLLERR) != 0) memory.reset();
    if ((entries[2].revents & POLLERR) != 0) disk.reset();
  }

  std::optional<base::WallTime> look() {
    const auto now = options.clock.now();
    Supplies supplies = options.measure();
    PressureDecision decision = decidePressure(options.settings, supplies, pressure, now);
    show(decision.conditions);
    if (!decision.reclaim) {
      told.clear();
      return soonest(decision.again, pressure.metSince.empty() ? std::nullopt : std::optional(now + kUnderPressure));
    }
    reclaim(*decision.reclaim, supplies, now);
    return soonest(decision.again, now + kUnderPressure);
  }

  // Looks come in bursts, and measuring takes time.
  std::optional<base::WallTime> lookAtLimits() {
    const auto now = options.clock.now();
    if (limits.taken && now < limits.at + kBetweenMeasures) return limits.at + kBetweenMeasures;
    const auto taken = options.enforceLimits();
    limits.every = taken == limits.taken ? std::min(2 * limits.every, kLeastOften) : kMostOften;
    limits.taken = taken;
    limits.at = now;
    return taken ? std::optional(now + limits.every) : std::nullopt;
  }

  static std::optional<base::WallTime> soonest(std::optional<base::WallTime> a, std::optional<base::WallTime> b) {
    if (!a || !b) return a ? a : b;
    return std::min(*a, *b);
  }

  void show(const std::set<std::string>& now) {
    const bool changed = conditions.with([&](auto& shown) {
      if (shown == now) return false;
      shown = now;
      return true;
    });
    if (changed) options.onConditions();
  }

  static bool isDisk(Signal signal) { return signal != Signal::kMemory && signal != Signal::kPids; }

  void reclaim(const Threshold& threshold, Supplies supplies, base::WallTime now) {
    if (told.insert(threshold.signal).second) {
      options.tell(fmt::format("Attempting to reclaim {}", resourceOf(threshold.signal)));
    }
    if (isDisk(threshold.signal) && freedImages(threshold, supplies)) return;
    if (!leaving.empty() && now < leavesUntil && options.holds(leaving)) return;
    leaving.clear();
    auto pods = options.pods(isDisk(threshold.signal) ? NodePressureOptions::Measure::kDisk
                                                      : NodePressureOptions::Measure::kMemory);
    if (pods.empty()) return;
    rankForEviction(pods, threshold.signal);
    giveUp(pods.front(), threshold, supplies[threshold.signal], now);
  }

  // Images that no container uses go before any pod does. True when that was enough; `supplies` as they are then.
  bool freedImages(const Threshold& threshold, Supplies& supplies) {
    const auto missing = [&] {
      const Supply& left = supplies[threshold.signal];
      return threshold.least.of(left.capacity) + threshold.reclaim.of(left.capacity) - left.available;
    };
    const bool bytes = threshold.signal == Signal::kNodeFs || threshold.signal == Signal::kImageFs;
    if (bytes && missing() > 0) options.makeRoom(static_cast<uint64_t>(missing()));
    supplies = options.measure();
    return missing() <= 0;
  }

  void giveUp(const PodUse& pod, const Threshold& threshold, const Supply& supply, base::WallTime now) {
    std::chrono::seconds grace = kAtOnce;
    if (threshold.grace) {
      const std::chrono::seconds own(pod.pod.spec().terminationGracePeriodSecondsOr(30));
      grace = std::min(own, options.settings.maxPodGrace);
    }
    leaving = pod.pod.metadata().uid();
    leavesUntil = now + grace + kPatience;
    options.evict(pod, {.reason = "Evicted", .message = evictionMessage(pod, threshold, supply), .grace = grace});
  }
};

NodePressure::NodePressure(NodePressureOptions options) : state_(std::make_unique<State>(std::move(options))) {}

NodePressure::~NodePressure() { stop(); }

void NodePressure::stop() {
  state_->thread.request_stop();
  check();
  state_->thread = {};
}

void NodePressure::start() {
  State& state = *state_;
  state.memory = linux::openPressureTrigger("memory", kStall, kWindow);
  state.disk = linux::openPressureTrigger("io", kStall, kWindow);
  if (!state.memory)
    kubeletLog().info("the kernel does not tell of memory pressure: it is looked for when pods change");
  state.thread = std::jthread([&state](const std::stop_token& stop) { state.run(stop); });
}

void NodePressure::check() {
  const uint64_t one = 1;
  if (::write(state_->wake.get(), &one, sizeof one) < 0) return;  // so often that nobody can have missed it
}

std::set<std::string> NodePressure::conditions() const { return state_->conditions.copy(); }

}  // namespace wherry::kubelet
