#include "kubelet/pods/pod_status.h"

#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "base/strings.h"
#include "kubelet/pods/pod_facts.h"
#include "kubelet/pods/rejection.h"
#include "meta/time.h"

namespace wherry::kubelet {
namespace {

using State = ContainerRecord::State;

struct Condition {
  std::string type;
  bool status = false;
  std::string reason;  // "" when true
  std::string message;
};

struct Phase {
  std::string phase;
  std::string reason;
  std::string message;
};

// The containers have ended, but sidecars are still at it: the pod isn't over yet.
bool sidecarsLinger(const core_v1::Pod& pod, const Observation& seen) {
  if (pod.status().phase() != "Running") return false;
  for (auto container : pod.spec().containers()) {
    const ContainerRecord* record = seen.latest(container.name());
    if (!record || record->state() != State::kExited) return false;
  }
  return std::any_of(seen.containers.begin(), seen.containers.end(), [](const ContainerRecord& record) {
    return record.kind == ContainerKind::kSidecar && record.state() == State::kRunning;
  });
}

Phase phaseOf(const core_v1::Pod& pod, const Observation& seen) {
  Outcome outcome = outcomeOf(pod, seen);
  bool cutShort = outcome == Outcome::kDeadlineExceeded || outcome == Outcome::kGivenUp;
  if (!cutShort && sidecarsLinger(pod, seen)) return {"Running", {}, {}};
  switch (outcome) {
    case Outcome::kSucceeded:
      return {"Succeeded", {}, {}};
    case Outcome::kFailed:
      return {"Failed", std::string(pod.status().reason()), std::string(pod.status().message())};
    case Outcome::kDeadlineExceeded:
      return {"Failed", "DeadlineExceeded", "Pod was active on the node longer than the specified deadline"};
    case Outcome::kRejected: {
      Rejection rejection = rejectionOf(pod).value_or(Rejection{});
      return {"Failed", rejection.reason, "Pod was rejected: " + rejection.message};
    }
    case Outcome::kGivenUp:
      return {"Failed", seen.end->reason, seen.end->message};
    case Outcome::kNone:
      break;
  }
  if (!isInitialized(pod, seen)) return {"Pending", {}, {}};
  bool allEnded = true, allWell = true;
  for (auto container : pod.spec().containers()) {
    const ContainerRecord* record = seen.latest(container.name());
    bool fresh = record && record->state() == State::kRunning && !seen.isUp(*record) && !seen.previous(record->name);
    if (!record || record->state() == State::kCreated || fresh) return {"Pending", {}, {}};
    bool ended = record->state() == State::kExited;
    allEnded = allEnded && ended;
    allWell = allWell && ended && record->exitCode == 0;
  }
  // A deleted pod whose containers have all ended will not come back.
  if (pod.metadata().deleting() && allEnded) return {allWell ? "Succeeded" : "Failed", {}, {}};
  return {"Running", {}, {}};
}

// Sidecars, then containers, in the pod's order.
std::vector<std::string> unreadyContainers(const core_v1::Pod& pod, const Observation& seen) {
  std::vector<std::string> names;
  for (const PodContainer& container : containersOf(pod)) {
    if (container.kind != ContainerKind::kSidecar && container.kind != ContainerKind::kRegular) continue;
    bool ready = json::getBool(renderContainerStatus(pod, container.spec, container.kind, seen), "ready");
    if (!ready) names.emplace_back(container.spec.name());
  }
  return names;
}

std::vector<std::string> incompleteInits(const core_v1::Pod& pod, const Observation& seen) {
  std::vector<std::string> names;
  for (auto container : pod.spec().initContainers()) {
    const ContainerRecord* record = seen.latest(container.name());
    bool sidecar = kindOf(container) == ContainerKind::kSidecar;
    bool done =
        record && (sidecar ? seen.isStarted(*record) : record->state() == State::kExited && record->exitCode == 0);
    if (!done) names.emplace_back(container.name());
  }
  return names;
}

Condition initialized(const core_v1::Pod& pod, const Observation& seen, const Phase& phase) {
  if (phase.phase == "Succeeded") return {"Initialized", true, "PodCompleted", {}};
  if (isInitialized(pod, seen)) return {"Initialized", true, {}, {}};
  return {"Initialized", false, "ContainersNotInitialized",
          fmt::format("containers with incomplete status: [{}]", base::join(incompleteInits(pod, seen), " "))};
}

Condition containersReady(const core_v1::Pod& pod, const Observation& seen, const Phase& phase) {
  if (phase.phase == "Succeeded") return {"ContainersReady", false, "PodCompleted", {}};
  if (phase.phase == "Failed") return {"ContainersReady", false, "PodFailed", {}};
  auto unready = unreadyContainers(pod, seen);
  if (unready.empty()) return {"ContainersReady", true, {}, {}};
  return {"ContainersReady", false, "ContainersNotReady",
          fmt::format("containers with unready status: [{}]", base::join(unready, " "))};
}

const json::Object* findCondition(const core_v1::Pod& pod, std::string_view type) {
  const json::Value* list = pod.status().field("conditions");
  if (!list || !list->is_array()) return nullptr;
  for (const json::Value& condition : list->get_array()) {
    if (json::getString(condition, "type") == type) return condition.if_object();
  }
  return nullptr;
}

// KEP-580: readiness gates.
Condition ready(const core_v1::Pod& pod, const Condition& containers) {
  if (!containers.status) return {"Ready", false, containers.reason, containers.message};
  std::vector<std::string> closed;
  for (auto gate : pod.spec().readinessGates()) {
    const json::Object* condition = findCondition(pod, gate.conditionType());
    std::string_view status = condition ? json::getString(*condition, "status") : std::string_view();
    if (!condition) {
      closed.push_back(
          fmt::format("corresponding condition of pod readiness gate \"{}\" does not exist.", gate.conditionType()));
    } else if (status != "True") {
      closed.push_back(
          fmt::format("the status of pod readiness gate \"{}\" is not \"True\", but {}", gate.conditionType(), status));
    }
  }
  if (closed.empty()) return {"Ready", true, {}, {}};
  return {"Ready", false, "ReadinessGatesNotReady", base::join(closed, ", ")};
}

json::Object renderCondition(const core_v1::Pod& pod, const Condition& condition, base::WallTime now) {
  const char* status = condition.status ? "True" : "False";
  const json::Object* before = findCondition(pod, condition.type);
  bool same = before && before->contains("status") && before->at("status") == status;
  json::Object out{{"type", condition.type}, {"status", status}, {"lastProbeTime", nullptr}};
  out["observedGeneration"] = pod.metadata().generation();
  out["lastTransitionTime"] = same && before->contains("lastTransitionTime") ? before->at("lastTransitionTime")
                                                                             : json::Value(meta::formatTime(now));
  if (!condition.reason.empty()) out["reason"] = condition.reason;
  if (!condition.message.empty()) out["message"] = condition.message;
  return out;
}

// Ours first, in the usual order; the others as they are.
json::Array renderConditions(const core_v1::Pod& pod, const std::vector<Condition>& own, base::WallTime now) {
  json::Array out;
  for (const Condition& condition : own) out.push_back(renderCondition(pod, condition, now));
  const json::Value* list = pod.status().field("conditions");
  if (!list || !list->is_array()) return out;
  for (const json::Value& condition : list->get_array()) {
    std::string_view type = json::getString(condition, "type");
    if (std::none_of(own.begin(), own.end(), [&](auto& mine) { return mine.type == type; })) out.push_back(condition);
  }
  return out;
}

// By name, as clients know them.
json::Array containerStatuses(const core_v1::Pod& pod, ContainerKind kind, const Observation& seen) {
  std::vector<PodContainer> sorted = containersOf(pod);
  std::erase_if(sorted, [&](const PodContainer& container) { return container.kind != kind; });
  std::sort(sorted.begin(), sorted.end(), [](auto& a, auto& b) { return a.spec.name() < b.spec.name(); });
  json::Array out;
  for (auto& container : sorted) out.push_back(renderContainerStatus(pod, container.spec, kind, seen));
  return out;
}

json::Array initContainerStatuses(const core_v1::Pod& pod, const Observation& seen) {
  json::Array out;
  for (auto container : pod.spec().initContainers()) {
    out.push_back(renderContainerStatus(pod, container, kindOf(container), seen));
  }
  return out;
}

json::Array ipList(std::string_view ips) {
  json::Array list;
  for (std::string_view ip : base::split(ips, ',')) list.push_back(json::Object{{"ip", ip}});
  return list;
}

void addAddresses(const Observation& seen, const NodeIdentity& node, json::Object& status) {
  status["hostIP"] = primaryIp(node.ip);
  status["hostIPs"] = ipList(node.ip);
  if (seen.podIp.empty()) return;
  status["podIP"] = primaryIp(seen.podIp);
  status["podIPs"] = ipList(seen.podIp);
}

std::string startTime(const core_v1::Pod& pod, base::WallTime now) {
  return pod.status().startTime().empty() ? meta::formatTime(now) : std::string(pod.status().startTime());
}

}  // namespace

json::Object renderPodStatus(const core_v1::Pod& pod, const Observation& seen, const NodeIdentity& node) {
  Phase phase = phaseOf(pod, seen);
  json::Array statuses = containerStatuses(pod, ContainerKind::kRegular, seen);
  Condition containers = containersReady(pod, seen, phase);
  json::Array inits = initContainerStatuses(pod, seen);
  Condition network{"PodReadyToStartContainers", seen.sandbox, {}, {}};
  std::vector<Condition> own{network, initialized(pod, seen, phase), ready(pod, containers), containers};
  // A pod that came with its node never met the scheduler.
  if (!findCondition(pod, "PodScheduled")) own.push_back({"PodScheduled", true, {}, {}});
  if (phase.phase == "Failed" && seen.end && seen.end->kind == PodEnd::Kind::kDisrupted) {
    own.push_back({"DisruptionTarget", true, "TerminationByKubelet", seen.end->message});
  }
  auto conditions = renderConditions(pod, own, seen.now);
  json::Object status{{"phase", phase.phase},
                      {"observedGeneration", pod.metadata().generation()},
                      {"conditions", std::move(conditions)}};
  if (!phase.reason.empty()) status["reason"] = phase.reason;
  if (!phase.message.empty()) status["message"] = phase.message;
  addAddresses(seen, node, status);
  status["startTime"] = startTime(pod, seen.now);
  // Of what is refused there are no containers to show; clients show the reason then.
  bool refused = rejectionOf(pod) || (seen.end && seen.end->kind == PodEnd::Kind::kRefused);
  if (seen.containers.empty() && refused) return status;
  if (!inits.empty()) status["initContainerStatuses"] = std::move(inits);
  status["containerStatuses"] = std::move(statuses);
  json::Array ephemerals = containerStatuses(pod, ContainerKind::kEphemeral, seen);
  if (!ephemerals.empty()) status["ephemeralContainerStatuses"] = std::move(ephemerals);
  return status;
}

}  // namespace wherry::kubelet
