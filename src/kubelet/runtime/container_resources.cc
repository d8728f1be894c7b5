#include "kubelet/runtime/container_resources.h"

#include <algorithm>
#include <string>

#include "meta/quantity.h"

namespace wherry::kubelet {
namespace {

constexpr int64_t kMinShares = 2;  // the kernel's lower bounds
constexpr int64_t kMaxShares = 262144;
constexpr int64_t kMinQuota = 1000;

// A quantity may be written as a JSON number.
std::optional<meta::Quantity> quantityOf(const schema::StringMap& list, std::string_view resource) {
  const json::Value* value = list.tree().if_contains(resource);
  if (!value) return std::nullopt;
  return meta::Quantity::parse(value->is_string() ? std::string(value->get_string()) : json::serialize(*value));
}

// Kubernetes' rule: who asked for more memory is killed later.
int oomScore(std::string_view qosClass, int64_t memoryRequest, int64_t memoryCapacity) {
  if (qosClass == "Guaranteed") return -997;
  if (qosClass != "Burstable" || memoryCapacity <= 0) return 1000;
  return static_cast<int>(std::clamp<int64_t>(1000 - 1000 * memoryRequest / memoryCapacity, 3, 999));
}

uint64_t sharesOf(int64_t milliCpu) {
  return static_cast<uint64_t>(std::clamp(milliCpu * 1024 / 1000, kMinShares, kMaxShares));
}

using Reader = std::optional<int64_t> (*)(const schema::StringMap&, std::string_view);

// Of all containers together; nothing when one of them does not say how much and has to.
std::optional<int64_t> podAmount(const core_v1::Pod& pod, bool limits, std::string_view resource, Reader read) {
  auto of = [&](const core_v1::ResourceRequirements& resources) {
    return read(limits ? resources.limits() : resources.requests(), resource);
  };
  if (auto whole = of(pod.spec().resources())) return whole;
  bool complete = true;
  int64_t regular = 0, sidecars = 0, init = 0;
  auto amount = [&](const core_v1::Container& container) {
    int64_t own = of(container.resources()).value_or(0);
    complete = complete && own > 0;
    return own;
  };
  for (auto container : pod.spec().containers()) regular += amount(container);
  for (auto container : pod.spec().initContainers()) {
    int64_t own = amount(container);
    if (container.restartPolicy() == "Always")
      sidecars += own;
    else
      init = std::max(init, own + sidecars);
  }
  int64_t most = std::max(regular + sidecars, init);
  if (limits && (!complete || most == 0)) return std::nullopt;
  return most + read(pod.spec().overhead(), resource).value_or(0);
}

}  // namespace

linux::CgroupLimits podLimits(const core_v1::Pod& pod) {
  linux::CgroupLimits out{.cpuShares = sharesOf(podAmount(pod, false, "cpu", milliOf).value_or(0))};
  if (auto cpu = podAmount(pod, true, "cpu", milliOf)) out.cpuQuota = std::max(*cpu * kCpuPeriod / 1000, kMinQuota);
  out.memoryLimit = podAmount(pod, true, "memory", valueOf);
  out.processes = kPodProcesses;
  return out;
}

std::optional<int64_t> milliOf(const schema::StringMap& list, std::string_view resource) {
  auto quantity = quantityOf(list, resource);
  return quantity ? std::optional(quantity->milli()) : std::nullopt;
}

std::optional<int64_t> valueOf(const schema::StringMap& list, std::string_view resource) {
  auto quantity = quantityOf(list, resource);
  return quantity ? std::optional(quantity->value()) : std::nullopt;
}

ContainerResources containerResources(const core_v1::Container& container, std::string_view qosClass,
                                      int64_t memoryCapacity) {
  auto limits = container.resources().limits();
  auto requests = container.resources().requests();
  ContainerResources out;
  auto cpuLimit = milliOf(limits, "cpu");
  int64_t cpuRequest = milliOf(requests, "cpu").value_or(cpuLimit.value_or(0));
  out.cpuShares = sharesOf(cpuRequest);
  if (cpuLimit && *cpuLimit > 0) out.cpuQuota = std::max(*cpuLimit * kCpuPeriod / 1000, kMinQuota);
  auto memoryLimit = valueOf(limits, "memory");
  if (memoryLimit && *memoryLimit > 0) out.memoryLimit = memoryLimit;
  out.oomScoreAdj = oomScore(qosClass, valueOf(requests, "memory").value_or(memoryLimit.value_or(0)), memoryCapacity);
  return out;
}

}  // namespace wherry::kubelet
