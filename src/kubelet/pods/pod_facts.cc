#include "kubelet/pods/pod_facts.h"

#include <map>
#include <optional>

#include <fmt/format.h>

#include "base/strings.h"
#include "kubelet/pods/pod_containers.h"
#include "kubelet/runtime/container_resources.h"
#include "meta/quantity.h"

namespace wherry::kubelet {
namespace {

// Labels or annotations as a file: one a line, sorted, values quoted.
std::string renderMap(const json::Object& map) {
  std::map<std::string, std::string> sorted;
  for (const auto& [key, value] : map) sorted[std::string(key)] = json::serialize(value);
  std::string out;
  for (const auto& [key, quoted] : sorted) out += (out.empty() ? "" : "\n") + key + "=" + quoted;
  return out;
}

// "metadata.labels['app']" -> "app"
std::optional<std::string_view> subscript(std::string_view path, std::string_view prefix) {
  if (!path.starts_with(prefix) || !path.substr(prefix.size()).starts_with("['") || !path.ends_with("']"))
    return std::nullopt;
  path.remove_prefix(prefix.size() + 2);
  return path.substr(0, path.size() - 2);
}

int64_t divideUp(int64_t value, int64_t by) { return by <= 0 ? value : (value + by - 1) / by; }

}  // namespace

std::string_view primaryIp(std::string_view ips) { return ips.substr(0, ips.find(',')); }

std::string fieldValue(const core_v1::Pod& pod, const PodFacts& facts, std::string_view path) {
  auto metadata = pod.metadata();
  if (path == "metadata.name") return std::string(metadata.name());
  if (path == "metadata.namespace") return std::string(metadata.ns());
  if (path == "metadata.uid") return std::string(metadata.uid());
  if (path == "metadata.labels") return renderMap(metadata.labels());
  if (path == "metadata.annotations") return renderMap(metadata.annotations());
  if (auto key = subscript(path, "metadata.labels")) return std::string(metadata.label(*key));
  if (auto key = subscript(path, "metadata.annotations")) return std::string(metadata.annotation(*key));
  if (path == "spec.nodeName") return std::string(pod.spec().nodeName());
  if (path == "spec.serviceAccountName") return std::string(pod.spec().serviceAccountName());
  if (path == "status.podIP") return std::string(primaryIp(facts.podIp));
  if (path == "status.podIPs") return facts.podIp;
  if (path == "status.hostIP") return std::string(primaryIp(facts.hostIp));
  if (path == "status.hostIPs") return facts.hostIp;
  throw ConfigError(fmt::format("unsupported fieldPath: {}", path));
}

std::string resourceFieldValue(const core_v1::Pod& pod, const core_v1::Container& container, const PodFacts& facts,
                               const core_v1::ResourceFieldSelector& selector) {
  std::optional<PodContainer> named;
  if (!selector.containerName().empty()) {
    named = findContainer(pod, selector.containerName());
    if (!named) throw ConfigError(fmt::format("container {} not found", selector.containerName()));
  }
  auto resources = named ? named->spec.resources() : container.resources();
  auto parts = base::splitOnce(selector.resource(), '.');
  bool limit = parts && parts->first == "limits";
  if (!parts || (!limit && parts->first != "requests")) {
    throw ConfigError(fmt::format("unsupported container resource : {}", selector.resource()));
  }
  auto list = limit ? resources.limits() : resources.requests();
  auto divisor = meta::Quantity::parse(selector.divisor()).value_or(meta::Quantity());
  if (divisor.zero()) divisor = meta::Quantity::of(1);
  if (parts->second == "cpu") {
    int64_t milli = milliOf(list, "cpu").value_or(limit ? facts.allocatableMilliCpu : 0);
    return std::to_string(divideUp(milli, divisor.milli()));
  }
  int64_t fallback = limit && parts->second == "memory" ? facts.allocatableMemory : 0;
  return std::to_string(divideUp(valueOf(list, parts->second).value_or(fallback), divisor.value()));
}

}  // namespace wherry::kubelet
