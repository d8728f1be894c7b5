#include <algorithm>

#include <fmt/format.h>

#include "meta/time.h"
#include "schema/table_cells.h"
#include "schema/table_text.h"

namespace wherry::schema {
namespace {

using json::Value;
using Now = base::WallTime;

// What the first three cells of a pod's row are made of.
struct PodSummary {
  int64_t ready = 0;
  int64_t total = 0;
  std::string reason;
  int64_t restarts = 0;
  std::string lastRestart;  // RFC 3339; "" when nothing ever ended
};

bool isSidecar(const Value& pod, std::string_view initContainer) {
  for (const Value& container : arrayAt(pod, "spec.initContainers")) {
    if (json::getString(container, "name") == initContainer) {
      return json::getString(container, "restartPolicy") == "Always";
    }
  }
  return false;
}

// Counts a container's restarts and remembers when it last ended.
struct Restarts {
  int64_t count = 0;
  std::string last;

  void add(const Value& status) {
    count += json::getInt(status, "restartCount");
    std::string_view ended = json::getString(status, "lastState.terminated.finishedAt");
    if (meta::parseTime(ended) && ended > last) last = ended;
  }
};

// "Error", or "ExitCode:1" and "Signal:9" when the runtime gave no reason.
std::string terminationReason(const Value& terminated) {
  std::string_view reason = json::getString(terminated, "reason");
  if (!reason.empty()) return std::string(reason);
  if (int64_t signal = json::getInt(terminated, "signal")) return fmt::format("Signal:{}", signal);
  return fmt::format("ExitCode:{}", json::getInt(terminated, "exitCode"));
}

std::string initReason(const Value& pod, const Value& status, size_t index) {
  if (const Value* terminated = json::find(status, "state.terminated")) return "Init:" + terminationReason(*terminated);
  std::string_view waiting = json::getString(status, "state.waiting.reason");
  if (!waiting.empty() && waiting != "PodInitializing") return "Init:" + std::string(waiting);
  return fmt::format("Init:{}/{}", index, arrayAt(pod, "spec.initContainers").size());
}

bool hasSucceeded(const Value& status) {
  const Value* terminated = json::find(status, "state.terminated");
  return terminated != nullptr && json::getInt(*terminated, "exitCode") == 0;
}

class PodSummarizer {
 public:
  explicit PodSummarizer(const Value& pod) : pod_(pod) {}

  PodSummary summarize() {
    summary_.total = static_cast<int64_t>(arrayAt(pod_, "spec.containers").size());
    summary_.reason = textAt(pod_, "status.reason", json::getString(pod_, "status.phase"));
    const Value* scheduled = findCondition(pod_, "PodScheduled");
    if (scheduled != nullptr && json::getString(*scheduled, "reason") == "SchedulingGated") {
      summary_.reason = "SchedulingGated";
    }
    for (const Value& container : arrayAt(pod_, "spec.initContainers")) {
      if (json::getString(container, "restartPolicy") == "Always") ++summary_.total;
    }
    Restarts restarts = summarizeInitContainers();
    if (!initializing_ || conditionIsTrue(pod_, "Initialized")) restarts = summarizeContainers();
    summarizeDeletion();
    summary_.restarts = restarts.count;
    summary_.lastRestart = restarts.last;
    return summary_;
  }

 private:
  Restarts summarizeInitContainers() {
    Restarts all;
    const json::Array& statuses = arrayAt(pod_, "status.initContainerStatuses");
    for (size_t i = 0; i < statuses.size(); ++i) {
      const Value& status = statuses[i];
      bool sidecar = isSidecar(pod_, json::getString(status, "name"));
      all.add(status);
      if (sidecar) sidecars_.add(status);
      if (hasSucceeded(status)) continue;
      if (sidecar && json::getBool(status, "started")) {
        if (json::getBool(status, "ready")) ++summary_.ready;
        continue;
      }
      summary_.reason = initReason(pod_, status, i);
      initializing_ = true;
      break;
    }
    return all;
  }

  // From the last container to the first: the first one's reason is the one that stays.
  Restarts summarizeContainers() {
    Restarts restarts = sidecars_;
    bool hasRunning = false;
    const json::Array& statuses = arrayAt(pod_, "status.containerStatuses");
    for (auto status = statuses.rbegin(); status != statuses.rend(); ++status) {
      restarts.add(*status);
      std::string_view waiting = json::getString(*status, "state.waiting.reason");
      if (!waiting.empty()) {
        summary_.reason = waiting;
      } else if (const Value* terminated = json::find(*status, "state.terminated")) {
        summary_.reason = terminationReason(*terminated);
      } else if (json::getBool(*status, "ready") && json::find(*status, "state.running") != nullptr) {
        hasRunning = true;
        ++summary_.ready;
      }
    }
    if (summary_.reason == "Completed" && hasRunning) {
      summary_.reason = conditionIsTrue(pod_, "Ready") ? "Running" : "NotReady";
    }
    return restarts;
  }

  void summarizeDeletion() {
    if (json::getString(pod_, "metadata.deletionTimestamp").empty()) return;
    std::string_view phase = json::getString(pod_, "status.phase");
    if (json::getString(pod_, "status.reason") == "NodeLost") {
      summary_.reason = "Unknown";
    } else if (phase != "Succeeded" && phase != "Failed") {
      summary_.reason = "Terminating";
    }
  }

  const Value& pod_;
  PodSummary summary_;
  Restarts sidecars_;
  bool initializing_ = false;
};

Value podReady(const Value& pod, Now) {
  PodSummary summary = PodSummarizer(pod).summarize();
  return Value(fmt::format("{}/{}", summary.ready, summary.total));
}

Value podStatus(const Value& pod, Now) { return Value(PodSummarizer(pod).summarize().reason); }

Value podRestarts(const Value& pod, Now now) {
  PodSummary summary = PodSummarizer(pod).summarize();
  auto last = meta::parseTime(summary.lastRestart);
  if (summary.restarts == 0 || !last) return Value(std::to_string(summary.restarts));
  auto age = std::chrono::duration_cast<std::chrono::seconds>(now - *last);
  return Value(fmt::format("{} ({} ago)", summary.restarts, meta::humanDuration(age)));
}

Value podIp(const Value& pod, Now) { return Value(textAt(pod, "status.podIPs.0.ip", kNone)); }
Value podNode(const Value& pod, Now) { return Value(textAt(pod, "spec.nodeName", kNone)); }
Value podNominatedNode(const Value& pod, Now) { return Value(textAt(pod, "status.nominatedNodeName", kNone)); }

Value podReadinessGates(const Value& pod, Now) {
  const json::Array& gates = arrayAt(pod, "spec.readinessGates");
  if (gates.empty()) return Value(kNone);
  auto open = std::ranges::count_if(
      gates, [&](const Value& gate) { return conditionIsTrue(pod, json::getString(gate, "conditionType")); });
  return Value(fmt::format("{}/{}", open, gates.size()));
}

constexpr NamedCell kCells[] = {
    {"podReady", podReady},
    {"podStatus", podStatus},
    {"podRestarts", podRestarts},
    {"podIP", podIp},
    {"podNode", podNode},
    {"podNominatedNode", podNominatedNode},
    {"podReadinessGates", podReadinessGates},
};

}  // namespace

std::span<const NamedCell> podCells() { return kCells; }

}  // namespace wherry::schema
