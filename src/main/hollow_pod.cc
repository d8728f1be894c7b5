#include "main/hollow_pod.h"

#include <algorithm>

#include <fmt/format.h>

#include "apiserver/flow/go_duration.h"
#include "base/strings.h"
#include "meta/time.h"

namespace wherry::main {
namespace {

using core_v1::Container;
using core_v1::Pod;

bool isSidecar(const Container& container) { return container.restartPolicy() == "Always"; }

bool isOver(const Pod& pod) { return pod.status().phase() == "Succeeded" || pod.status().phase() == "Failed"; }

std::chrono::nanoseconds runTimeOf(const Pod& pod, const HollowFacts& facts) {
  const auto text = pod.metadata().annotation(kHollowRunFor);
  return text.empty() ? facts.runFor : apiserver::parseGoDuration(text).value_or(facts.runFor);
}

int64_t exitCodeOf(const Pod& pod) {
  return base::parseInt<int64_t>(pod.metadata().annotation(kHollowExitCode)).value_or(0);
}

// A container that fails under OnFailure would be started again, and never be done.
bool endsByItself(const Pod& pod) {
  const auto policy = pod.spec().restartPolicy();
  return policy == "Never" || (policy == "OnFailure" && exitCodeOf(pod) == 0);
}

json::Value running(const std::string& since) { return json::Object{{"running", json::Object{{"startedAt", since}}}}; }

json::Value terminated(const std::string& since, const std::string& at, int64_t exitCode) {
  return json::Object{{"terminated", json::Object{{"exitCode", exitCode},
                                                  {"reason", exitCode == 0 ? "Completed" : "Error"},
                                                  {"startedAt", since},
                                                  {"finishedAt", at}}}};
}

enum class Ready { kNo, kYes };

json::Value statusOf(const Pod& pod, const Container& container, json::Value state, Ready ready, bool started) {
  return json::Object{{"name", container.name()},
                      {"image", container.image()},
                      {"imageID", "hollow://" + std::string(container.image())},
                      {"containerID", fmt::format("hollow://{}/{}", pod.metadata().uid(), container.name())},
                      {"restartCount", 0},
                      {"ready", ready == Ready::kYes},
                      {"started", started},
                      {"state", std::move(state)}};
}

// KEP-580: a pod is ready when its readiness gates are open too.
bool gatesAreOpen(const Pod& pod) {
  for (const auto gate : pod.spec().readinessGates()) {
    bool open = false;
    for (const auto condition : pod.status().conditions()) {
      open = open || (condition.type() == gate.conditionType() && condition.status() == "True");
    }
    if (!open) return false;
  }
  return true;
}

json::Value condition(std::string_view type, bool status, std::string_view reason, const std::string& now) {
  json::Object out{
      {"type", type}, {"status", status ? "True" : "False"}, {"lastProbeTime", nullptr}, {"lastTransitionTime", now}};
  if (!reason.empty()) out["reason"] = reason;
  return out;
}

// The life of a pod, of which it is to be said how far it got.
struct Life {
  std::string began;
  std::string ended;  // "" while it lasts
  int64_t exitCode = 0;
};

json::Array initStatuses(const Pod& pod, const Life& life) {
  json::Array statuses;
  for (const auto container : pod.spec().initContainers()) {
    const bool lives = isSidecar(container) && life.ended.empty();
    statuses.push_back(statusOf(pod, container, lives ? running(life.began) : terminated(life.began, life.began, 0),
                                !isSidecar(container) || lives ? Ready::kYes : Ready::kNo, lives));
  }
  return statuses;
}

json::Array containerStatuses(const Pod& pod, const Life& life) {
  json::Array statuses;
  const bool lives = life.ended.empty();
  for (const auto container : pod.spec().containers()) {
    statuses.push_back(statusOf(pod, container,
                                lives ? running(life.began) : terminated(life.began, life.ended, life.exitCode),
                                lives ? Ready::kYes : Ready::kNo, lives));
  }
  return statuses;
}

json::Array conditions(const Pod& pod, const Life& life, const std::string& now) {
  if (life.ended.empty()) {
    const bool ready = gatesAreOpen(pod);
    return {condition("PodReadyToStartContainers", true, {}, now), condition("Initialized", true, {}, now),
            condition("Ready", ready, ready ? "" : "ReadinessGatesNotReady", now),
            condition("ContainersReady", true, {}, now)};
  }
  const std::string_view reason = life.exitCode == 0 ? "PodCompleted" : "PodFailed";
  return {condition("PodReadyToStartContainers", false, {}, now),
          condition("Initialized", true, life.exitCode == 0 ? reason : "", now), condition("Ready", false, reason, now),
          condition("ContainersReady", false, reason, now)};
}

json::Value renderPatch(const Pod& pod, const HollowFacts& facts, const Life& life, const std::string& now) {
  const std::string_view given = pod.status().podIP();
  const std::string address =
      given.empty() ? (pod.spec().hostNetwork() ? facts.hostIp : facts.podIp) : std::string(given);
  json::Object status{
      {"phase", life.ended.empty()   ? "Running"
                : life.exitCode == 0 ? "Succeeded"
                                     : "Failed"},
      {"startTime", life.began},
      {"hostIP", facts.hostIp},
      {"hostIPs", json::Array{json::Object{{"ip", facts.hostIp}}}},
      {"podIP", address},
      {"podIPs", json::Array{json::Object{{"ip", address}}}},
      {"conditions", conditions(pod, life, now)},
      {"containerStatuses", containerStatuses(pod, life)},
  };
  if (auto inits = initStatuses(pod, life); !inits.empty()) status["initContainerStatuses"] = std::move(inits);
  // Of this very pod: one of the same name may have taken its place.
  return json::Object{{"metadata", json::Object{{"uid", pod.metadata().uid()}}}, {"status", std::move(status)}};
}

bool saysReady(const Pod& pod) {
  for (const auto condition : pod.status().conditions()) {
    if (condition.type() == "Ready") return condition.status() == "True";
  }
  return false;
}

}  // namespace

HollowStep decideHollowStep(const Pod& pod, const HollowFacts& facts, base::WallTime now) {
  using What = HollowStep::What;
  if (pod.metadata().deleting()) return {What::kRemove, {}, {}};
  if (isOver(pod)) return {};
  const auto said = meta::parseTime(pod.status().startTime());
  const auto began = said.value_or(now);
  const auto text = meta::formatTime(now);
  const Life life{meta::formatTime(began), {}, exitCodeOf(pod)};
  std::optional<base::WallTime> end;
  if (endsByItself(pod)) end = began + std::chrono::duration_cast<base::WallTime::duration>(runTimeOf(pod, facts));
  // One that ends at once is never said to run: one write, not two.
  if (end && *end <= now) {
    return {What::kPatchStatus, renderPatch(pod, facts, {life.began, text, life.exitCode}, text), {}};
  }
  if (pod.status().phase() == "Running" && saysReady(pod) == gatesAreOpen(pod)) return {What::kNothing, {}, end};
  return {What::kPatchStatus, renderPatch(pod, facts, life, text), end};
}

}  // namespace wherry::main
