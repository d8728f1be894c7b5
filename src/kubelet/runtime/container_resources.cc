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

}  // namespace

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
  out.cpuShares = static_cast<uint64_t>(std::clamp(cpuRequest * 1024 / 1000, kMinShares, kMaxShares));
  if (cpuLimit && *cpuLimit > 0) out.cpuQuota = std::max(*cpuLimit * kCpuPeriod / 1000, kMinQuota);
  auto memoryLimit = valueOf(limits, "memory");
  if (memoryLimit && *memoryLimit > 0) out.memoryLimit = memoryLimit;
  out.oomScoreAdj = oomScore(qosClass, valueOf(requests, "memory").value_or(memoryLimit.value_or(0)), memoryCapacity);
  return out;
}

}  // namespace wherry::kubelet
