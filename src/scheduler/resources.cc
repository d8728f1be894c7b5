#include "scheduler/resources.h"

#include <algorithm>

#include "meta/quantity.h"

namespace wherry::scheduler {

namespace {

using core_v1::Container;
using core_v1::PodSpec;

using RequestsOfContainer = Resources (*)(const Container&);

Resources requested(const Container& container) { return Resources::of(container.resources().requests()); }

Resources requestedOrSmall(const Container& container) {
  constexpr int64_t kSmallMilliCpu = 100;
  constexpr int64_t kSmallMemory = 200 * 1024 * 1024;
  auto resources = requested(container);
  if (!container.resources().requests().has("cpu")) resources.set("cpu", kSmallMilliCpu);
  if (!container.resources().requests().has("memory")) resources.set("memory", kSmallMemory);
  return resources;
}

Resources sum(const PodSpec& spec, RequestsOfContainer requestsOfContainer) {
  Resources total, sidecars, peak;
  for (const auto container : spec.containers()) total.add(requestsOfContainer(container));
  for (const auto container : spec.initContainers()) {
    Resources own = requestsOfContainer(container);
    if (container.restartPolicy() == "Always") {
      total.add(own);
      sidecars.add(own);
      peak.raiseTo(sidecars);
    } else {
      own.add(sidecars);
      peak.raiseTo(own);
    }
  }
  total.raiseTo(peak);
  total.replace(Resources::of(spec.resources().requests()));
  total.add(Resources::of(spec.overhead()));
  return total;
}

}  // namespace

Resources Resources::of(const schema::StringMap& quantities) {
  Resources resources;
  for (const auto& entry : quantities.tree()) {
    if (!entry.value().is_string()) continue;
    const auto quantity = meta::Quantity::parse(entry.value().get_string());
    if (quantity) resources.set(entry.key(), entry.key() == "cpu" ? quantity->milli() : quantity->value());
  }
  return resources;
}

int64_t Resources::get(std::string_view name) const {
  const auto found = amounts_.find(name);
  return found == amounts_.end() ? 0 : found->second;
}

void Resources::set(std::string_view name, int64_t amount) { amounts_.insert_or_assign(std::string(name), amount); }

void Resources::add(const Resources& other) {
  for (const auto& [name, amount] : other.amounts_) amounts_[name] += amount;
}

void Resources::subtract(const Resources& other) {
  for (const auto& [name, amount] : other.amounts_) amounts_[name] -= amount;
}

void Resources::raiseTo(const Resources& other) {
  for (const auto& [name, amount] : other.amounts_) amounts_[name] = std::max(amounts_[name], amount);
}

void Resources::replace(const Resources& other) {
  for (const auto& [name, amount] : other.amounts_) amounts_[name] = amount;
}

Resources requestsOf(const PodSpec& spec) { return sum(spec, requested); }
Resources scoredRequestsOf(const PodSpec& spec) { return sum(spec, requestedOrSmall); }

}  // namespace wherry::scheduler
