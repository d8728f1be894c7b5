#include "kubelet/logs/log_request.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/strings.h"
#include "kubelet/pods/pod_containers.h"
#include "meta/status.h"

namespace wherry::kubelet {
namespace {

std::vector<std::string> namesOf(const core_v1::Pod& pod) {
  std::vector<std::string> names;
  for (const PodContainer& container : containersOf(pod)) names.emplace_back(container.spec.name());
  return names;
}

// Why a container that never ran waits, as its status says it.
std::string waitingReason(const core_v1::Pod& pod, std::string_view name) {
  for (const char* list :
       {"status.containerStatuses", "status.initContainerStatuses", "status.ephemeralContainerStatuses"}) {
    const json::Value* statuses = json::find(pod.object()->tree(), list);
    if (!statuses || !statuses->is_array()) continue;
    for (const json::Value& status : statuses->get_array()) {
      if (json::getString(status, "name") != name) continue;
      auto reason = json::getString(status, "state.waiting.reason");
      if (!reason.empty()) return std::string(reason);
    }
  }
  return "ContainerCreating";
}

}  // namespace

ContainerRecord chooseLog(const core_v1::Pod& pod, const std::vector<ContainerRecord>& records,
                          const client::LogOptions& options) {
  std::string podName(pod.metadata().name()), name = options.container;
  bool single = pod.spec().containers().size() == 1;
  if (name.empty() && !single) {
    throw meta::badRequest(fmt::format("a container name must be specified for pod {}, choose one of: [{}]", podName,
                                       base::join(namesOf(pod), " ")));
  }
  if (name.empty()) name = pod.spec().containers()[0].name();
  if (!findContainer(pod, name))
    throw meta::badRequest(fmt::format("container {} is not valid for pod {}", name, podName));
  std::vector<ContainerRecord> attempts;
  for (const ContainerRecord& record : records) {
    if (record.name == name && record.state() != ContainerRecord::State::kCreated) attempts.push_back(record);
  }
  std::sort(attempts.begin(), attempts.end(), [](auto& a, auto& b) { return a.attempt > b.attempt; });
  if (options.previous) {
    // While a container waits for its next attempt, the previous one is the one that has ended.
    size_t index = !attempts.empty() && attempts[0].state() == ContainerRecord::State::kRunning ? 1 : 0;
    if (attempts.size() <= index ||
        (index == 0 && attempts[0].attempt == 0 && waitingReason(pod, name) != "CrashLoopBackOff")) {
      throw meta::badRequest(
          fmt::format("previous terminated container \"{}\" in pod \"{}\" not found", name, podName));
    }
    return attempts[index];
  }
  if (attempts.empty()) {
    throw meta::badRequest(
        fmt::format("container \"{}\" in pod \"{}\" is waiting to start: {}", name, podName, waitingReason(pod, name)));
  }
  return attempts[0];
}

}  // namespace wherry::kubelet
