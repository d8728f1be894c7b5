#include "cli/doctor/service_facts.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/strings.h"
#include "cli/doctor/phrases.h"
#include "meta/selector.h"

namespace wherry::cli {
namespace {

constexpr std::string_view kProxyName = "service.kubernetes.io/service-proxy-name";
constexpr size_t kMostSrvQuestions = 8;

const json::Object& selectorOf(const core_v1::Service& service) {
  static const json::Object kNone;
  const json::Value* selector = json::find(service.object()->tree(), "spec.selector");
  return selector && selector->is_object() ? selector->get_object() : kNone;
}

template <typename T>
std::vector<T> sortedOnce(std::vector<T> list) {
  std::sort(list.begin(), list.end());
  list.erase(std::unique(list.begin(), list.end()), list.end());
  return list;
}

}  // namespace

std::string_view typeOf(const core_v1::Service& service) {
  auto type = service.spec().type();
  return type.empty() ? "ClusterIP" : type;
}

bool isExternalName(const core_v1::Service& service) { return typeOf(service) == "ExternalName"; }

bool isHeadless(const core_v1::Service& service) { return service.spec().clusterIP() == "None"; }

std::vector<std::string> clusterIps(const core_v1::Service& service) {
  std::vector<std::string> ips;
  auto add = [&](std::string_view ip) {
    bool isNew = std::find(ips.begin(), ips.end(), ip) == ips.end();
    if (!ip.empty() && ip != "None" && isNew) ips.emplace_back(ip);
  };
  add(service.spec().clusterIP());
  for (std::string_view ip : service.spec().clusterIPs()) add(ip);
  return ips;
}

std::string_view protocolOf(std::string_view protocol) { return protocol.empty() ? "TCP" : protocol; }

std::string portText(const core_v1::ServicePort& port) {
  std::string number = fmt::format("{}/{}", port.port(), protocolOf(port.protocol()));
  return port.name().empty() ? number : fmt::format("{} {}", port.name(), number);
}

std::string targetText(const core_v1::ServicePort& port) {
  const json::Value* target = port.targetPort();
  if (target && target->is_string()) return std::string(target->get_string());
  bool number = target && target->is_number() && target->to_number<int64_t>() != 0;
  return std::to_string(number ? target->to_number<int64_t>() : port.port());
}

bool hasSelector(const core_v1::Service& service) { return !selectorOf(service).empty(); }

std::string selectorText(const core_v1::Service& service) {
  return meta::LabelSelector::fromMap(selectorOf(service)).text();
}

bool selects(const core_v1::Service& service, const core_v1::Pod& pod) {
  return hasSelector(service) && meta::LabelSelector::fromMap(selectorOf(service)).matches(pod.metadata().labels());
}

std::vector<core_v1::Pod> selectedPods(const ServiceFacts& facts) {
  std::vector<core_v1::Pod> selected;
  for (const auto& pod : facts.pods) {
    if (selects(facts.service, pod)) selected.push_back(pod);
  }
  return selected;
}

bool isReady(const core_v1::Pod& pod) {
  for (auto condition : pod.status().conditions()) {
    if (condition.type() == "Ready") return condition.status() == "True";
  }
  return false;
}

bool hasEnded(const core_v1::Pod& pod) {
  auto phase = pod.status().phase();
  return phase == "Succeeded" || phase == "Failed";
}

std::vector<std::string> addressesOf(const core_v1::Pod& pod) {
  std::vector<std::string> addresses;
  for (auto ip : pod.status().podIPs()) addresses.emplace_back(ip.ip());
  if (addresses.empty() && !pod.status().podIP().empty()) addresses.emplace_back(pod.status().podIP());
  return addresses;
}

std::vector<EndpointFact> endpointsOf(const ServiceFacts& facts) {
  std::vector<EndpointFact> endpoints;
  for (const auto& slice : facts.slices) {
    for (auto endpoint : slice.endpoints()) {
      if (endpoint.addresses().empty()) continue;
      bool ready = endpoint.conditions().readyOr(true);
      endpoints.push_back({.slice = slice,
                           .address = std::string(endpoint.addresses()[0]),
                           .pod = std::string(endpoint.targetRef().kind() == "Pod" ? endpoint.targetRef().name() : ""),
                           .node = std::string(endpoint.nodeName()),
                           .ready = ready,
                           .serving = endpoint.conditions().servingOr(ready),
                           .terminating = endpoint.conditions().terminatingOr(false)});
    }
  }
  return endpoints;
}

std::vector<EndpointFact> usableEndpoints(const ServiceFacts& facts) {
  std::vector<EndpointFact> ready, leaving;
  for (auto& endpoint : endpointsOf(facts)) {
    if (endpoint.ready)
      ready.push_back(endpoint);
    else if (endpoint.serving && endpoint.terminating)
      leaving.push_back(endpoint);
  }
  return ready.empty() ? leaving : ready;
}

std::optional<int64_t> targetNumber(const discovery_v1::EndpointSlice& slice, const core_v1::ServicePort& port) {
  for (auto candidate : slice.ports()) {
    bool same = candidate.name() == port.name() && protocolOf(candidate.protocol()) == protocolOf(port.protocol());
    if (same && candidate.hasPort()) return candidate.port();
  }
  return std::nullopt;
}

std::vector<Target> targetsOf(const ServiceFacts& facts, const core_v1::ServicePort& port) {
  std::vector<Target> targets;
  for (const auto& endpoint : usableEndpoints(facts)) {
    if (auto number = targetNumber(endpoint.slice, port)) {
      targets.push_back({atPort(endpoint.address, *number), endpoint.pod});
    }
  }
  return sortedOnce(std::move(targets));
}

bool servedByNode(const ServiceFacts& facts) {
  const json::Value* ports = json::find(facts.kernel, "ports");
  return !facts.service.spec().ports().empty() && !clusterIps(facts.service).empty() && ports && ports->is_array() &&
         ports->get_array().empty() && facts.service.metadata().label(kProxyName).empty();
}

std::vector<std::string> placesToDial(const ServiceFacts& facts, size_t most) {
  std::vector<std::string> places, endpoints;
  for (auto port : facts.service.spec().ports()) {
    if (protocolOf(port.protocol()) != "TCP") continue;
    for (const std::string& ip : clusterIps(facts.service)) places.push_back(atPort(ip, port.port()));
    if (servedByNode(facts)) continue;
    for (const Target& target : targetsOf(facts, port)) endpoints.push_back(target.at);
  }
  endpoints = sortedOnce(std::move(endpoints));
  places.insert(places.end(), endpoints.begin(), endpoints.end());
  if (places.size() > most) places.resize(most);
  return places;
}

std::string nameOf(const ServiceFacts& facts) {
  auto metadata = facts.service.metadata();
  return fmt::format("{}.{}.svc.{}.", metadata.name(), metadata.ns(), facts.clusterDomain);
}

std::vector<DnsQuestion> questionsFor(const ServiceFacts& facts) {
  std::string name = nameOf(facts);
  std::vector<DnsQuestion> questions = {{name, "A"}, {name, "AAAA"}};
  if (isExternalName(facts.service)) {
    std::string target(facts.service.spec().externalName());
    if (!target.ends_with('.')) target += '.';
    questions.push_back({target, "A"});
    questions.push_back({target, "AAAA"});
    return questions;
  }
  for (auto port : facts.service.spec().ports()) {
    if (port.name().empty() || questions.size() == 2 + kMostSrvQuestions) continue;
    questions.push_back(
        {fmt::format("_{}._{}.{}", port.name(), base::toLower(protocolOf(port.protocol())), name), "SRV"});
  }
  return questions;
}

}  // namespace wherry::cli
