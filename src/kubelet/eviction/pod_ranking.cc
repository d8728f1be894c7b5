#include "kubelet/eviction/pod_ranking.h"

#include <algorithm>
#include <tuple>

#include <fmt/format.h>

#include "base/strings.h"
#include "kubelet/runtime/container_resources.h"
#include "meta/quantity.h"
#include "meta/toleration.h"

namespace wherry::kubelet {

namespace {

constexpr int64_t kSystemPriority = 2'000'000'000;
constexpr std::string_view kStorage = "ephemeral-storage";

bool isDisk(Signal signal) { return signal != Signal::kMemory && signal != Signal::kPids; }
bool isInodes(Signal signal) { return signal == Signal::kNodeFsInodes || signal == Signal::kImageFsInodes; }

int64_t requestOf(const core_v1::Pod& pod, std::string_view resource) {
  int64_t sum = 0;
  for (const auto container : pod.spec().containers()) {
    sum += valueOf(container.resources().requests(), resource).value_or(0);
  }
  return sum;
}

// What a pod takes, beyond what it has asked for.
int64_t excessOf(const PodUse& use, Signal signal) {
  if (signal == Signal::kMemory) return use.memory() - requestOf(use.pod, "memory");
  if (signal == Signal::kPids) return use.processes;
  if (isInodes(signal)) return use.inodes;
  return use.disk() - requestOf(use.pod, kStorage);
}

std::string bytes(int64_t value) { return meta::Quantity::of(value, meta::Quantity::Format::kBinarySI).text(); }

std::string amount(int64_t value, Signal signal) {
  const bool counted = signal == Signal::kPids || isInodes(signal);
  return counted ? std::to_string(value) : bytes(value);
}

std::string containerPart(std::string_view name, int64_t used, int64_t requested, std::string_view resource) {
  return fmt::format("Container {} was using {}, request is {}, has larger consumption of {}. ", name, bytes(used),
                     requested == 0 ? "0" : bytes(requested), resource);
}

}  // namespace

int64_t PodUse::memory() const {
  int64_t sum = 0;
  for (const auto& [name, use] : containers) sum += use.memory;
  return sum;
}

int64_t PodUse::disk() const {
  int64_t sum = volumes;
  for (const auto& [name, use] : containers) sum += use.disk;
  return sum;
}

bool isCritical(const core_v1::Pod& pod) {
  const auto metadata = pod.metadata();
  const auto source = metadata.annotation("kubernetes.io/config.source");
  return (!source.empty() && source != "api") || !metadata.annotation("kubernetes.io/config.mirror").empty() ||
         pod.spec().priority() >= kSystemPriority;
}

std::string refusalUnder(const std::set<std::string>& conditions, const core_v1::Pod& pod) {
  if (conditions.empty() || isCritical(pod)) return {};
  if (conditions == std::set<std::string>{"MemoryPressure"}) {
    static const json::Object kTaint{{"key", "node.kubernetes.io/memory-pressure"}, {"effect", "NoSchedule"}};
    const auto* tolerations = pod.spec().field("tolerations");
    const bool tolerates =
        tolerations && tolerations->is_array() && meta::toleratesAny(tolerations->get_array(), kTaint);
    if (pod.status().qosClass() != "BestEffort" || tolerates) return {};
  }
  return fmt::format("The node had condition: [{}]. ",
                     base::join(std::vector<std::string>(conditions.begin(), conditions.end()), " "));
}

void rankForEviction(std::vector<PodUse>& pods, Signal signal) {
  const auto rank = [&](const PodUse& use) {
    const int64_t excess = excessOf(use, signal);
    const bool within = signal != Signal::kPids && excess <= 0;
    return std::tuple(within, use.pod.spec().priority(), -excess);
  };
  std::stable_sort(pods.begin(), pods.end(), [&](const PodUse& a, const PodUse& b) { return rank(a) < rank(b); });
}

std::string evictionMessage(const PodUse& pod, const Threshold& threshold, const Supply& supply) {
  const auto resource = resourceOf(threshold.signal);
  std::string message = fmt::format("The node was low on resource: {}. Threshold quantity: {}, available: {}. ",
                                    resource, amount(threshold.least.of(supply.capacity), threshold.signal),
                                    amount(supply.available, threshold.signal));
  const bool memory = threshold.signal == Signal::kMemory;
  if (!memory && (!isDisk(threshold.signal) || isInodes(threshold.signal))) return message;
  for (const auto container : pod.pod.spec().containers()) {
    const auto use = pod.containers.find(container.name());
    if (use == pod.containers.end()) continue;
    const int64_t used = memory ? use->second.memory : use->second.disk;
    const int64_t requested = valueOf(container.resources().requests(), resource).value_or(0);
    if (used > requested) message += containerPart(container.name(), used, requested, resource);
  }
  return message;
}

}  // namespace wherry::kubelet
