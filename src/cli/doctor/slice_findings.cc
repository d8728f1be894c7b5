#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "base/strings.h"
#include "cli/doctor/findings.h"
#include "cli/doctor/phrases.h"

namespace wherry::cli {
namespace {

constexpr std::string_view kManagedBy = "endpointslice.kubernetes.io/managed-by";
constexpr std::string_view kController = "endpointslice-controller.k8s.io";
constexpr std::string_view kMirror = "endpointslicemirroring-controller.k8s.io";

std::string_view managerOf(const discovery_v1::EndpointSlice& slice) { return slice.metadata().label(kManagedBy); }

std::string originOf(const discovery_v1::EndpointSlice& slice) {
  std::string_view manager = managerOf(slice);
  if (manager == kController) return "";
  if (manager == kMirror) return ", mirrored from Endpoints";
  return manager.empty() ? ", made by hand" : fmt::format(", kept by {}", manager);
}

// "EndpointSlice web-x7k2p (IPv4): 10.244.0.7 (pod web-1), 10.244.0.8 (pod web-2, not ready); ports http 8080/TCP"
std::string describe(const ServiceFacts& facts, const discovery_v1::EndpointSlice& slice) {
  std::vector<std::string> endpoints, ports;
  for (const auto& endpoint : endpointsOf(facts)) {
    if (endpoint.slice.object() != slice.object()) continue;
    std::string state = endpoint.terminating ? "terminating" : endpoint.ready ? "" : "not ready";
    std::vector<std::string> about;
    if (!endpoint.pod.empty()) about.push_back("pod " + endpoint.pod);
    if (!state.empty()) about.push_back(state);
    endpoints.push_back(about.empty() ? endpoint.address
                                      : fmt::format("{} ({})", endpoint.address, base::join(about, ", ")));
  }
  for (auto port : slice.ports()) {
    std::string number = fmt::format("{}/{}", port.port(), protocolOf(port.protocol()));
    ports.push_back(port.name().empty() ? number : fmt::format("{} {}", port.name(), number));
  }
  return fmt::format("EndpointSlice {} ({}{}): {}; {}", slice.metadata().name(), slice.addressType(), originOf(slice),
                     endpoints.empty() ? "no endpoints" : listed(endpoints),
                     ports.empty() ? "no ports" : "ports " + listed(ports));
}

std::vector<std::string> describeAll(const ServiceFacts& facts) {
  std::vector<std::string> sentences;
  for (const auto& slice : facts.slices) sentences.push_back(describe(facts, slice));
  return sentences;
}

bool hasFamily(const core_v1::Service& service, std::string_view address) {
  auto families = service.spec().ipFamilies();
  if (families.empty()) return !isIpv6(address);
  for (std::string_view family : families) {
    if ((family == "IPv6") == isIpv6(address)) return true;
  }
  return false;
}

// What the controller's slices have, and the pods don't, or the other way round.
std::vector<std::string> differences(const ServiceFacts& facts) {
  std::set<std::string> ready, listedReady;
  std::vector<std::string> sentences;
  bool always = facts.service.spec().publishNotReadyAddresses();
  for (const auto& endpoint : endpointsOf(facts)) {
    if (endpoint.ready) listedReady.insert(endpoint.address);
  }
  for (const auto& pod : selectedPods(facts)) {
    if (hasEnded(pod) || (!always && (!isReady(pod) || pod.metadata().deleting()))) continue;
    for (const std::string& address : addressesOf(pod)) {
      if (!hasFamily(facts.service, address)) continue;
      ready.insert(address);
      if (listedReady.contains(address)) continue;
      sentences.push_back(
          fmt::format("pod {} ({}) is ready, and no EndpointSlice says so", pod.metadata().name(), address));
    }
  }
  for (const auto& endpoint : endpointsOf(facts)) {
    if (managerOf(endpoint.slice) != kController || !endpoint.ready || ready.contains(endpoint.address)) continue;
    sentences.push_back(fmt::format("EndpointSlice {} has {} of pod {} as ready, which is gone or not ready",
                                    endpoint.slice.metadata().name(), endpoint.address, endpoint.pod));
  }
  return sentences;
}

std::string nobodyText(const ServiceFacts& facts) {
  if (facts.slices.empty() && !hasSelector(facts.service)) {
    return "it has no selector, and nobody made an EndpointSlice (or Endpoints) for it";
  }
  return facts.slices.empty() ? "it has no EndpointSlice" : "its EndpointSlices have no ready endpoint";
}

// Ports that no slice with an endpoint has.
std::vector<std::string> portsWithoutTargets(const ServiceFacts& facts) {
  std::vector<std::string> ports;
  for (auto port : facts.service.spec().ports()) {
    if (targetsOf(facts, port).empty()) ports.push_back(portText(port));
  }
  return ports;
}

}  // namespace

void addSliceFindings(const ServiceFacts& facts, Findings& findings) {
  if (isExternalName(facts.service)) return;
  auto add = [&](Level level, std::string text, std::vector<std::string> why) {
    findings.push_back({"endpoint slices", level, std::move(text), std::move(why)});
  };
  auto differing = hasSelector(facts.service) ? differences(facts) : std::vector<std::string>();
  if (!differing.empty()) add(Level::kFail, "its EndpointSlices are not what its pods are", std::move(differing));
  auto usable = usableEndpoints(facts);
  if (usable.empty()) return add(Level::kFail, nobodyText(facts), describeAll(facts));
  if (auto ports = portsWithoutTargets(facts); !ports.empty()) {
    auto why = describeAll(facts);
    why.emplace_back("a port of an EndpointSlice belongs to the Service's port of the same name");
    return add(Level::kFail, fmt::format("port {} has no endpoints", listed(ports)), std::move(why));
  }
  if (!usable.front().ready) {
    return add(Level::kNote, "only endpoints that terminate serve", describeAll(facts));
  }
  add(Level::kOk, fmt::format("{} ready", counted(usable.size(), "endpoint")), describeAll(facts));
}

}  // namespace wherry::cli
