#include "controllers/service_pods.h"

#include <algorithm>
#include <set>

#include "controllers/pod_state.h"
#include "meta/selector.h"

namespace wherry::controllers {

namespace {

using core_v1::Pod;
using core_v1::Service;

constexpr std::string_view kByLabel = "label";
constexpr std::string_view kBySelector = "selector";

std::string labelKey(std::string_view ns, std::string_view key, std::string_view value) {
  std::string text(ns);
  return text.append("\n").append(key).append("=").append(value);
}

std::vector<std::string> labelKeys(std::string_view ns, const json::Object& labels) {
  std::vector<std::string> keys;
  for (const auto& label : labels) {
    if (label.value().is_string()) keys.push_back(labelKey(ns, label.key(), label.value().get_string()));
  }
  return keys;
}

std::vector<std::string> podLabels(const meta::Object& pod) {
  return labelKeys(pod.metadata().ns(), pod.metadata().labels());
}

// One of the selector's terms is enough to find the Service by; the others are checked then.
std::vector<std::string> selectorTerm(const meta::Object& service) {
  const auto* selector = json::find(service.tree(), "spec.selector");
  if (!selector || !selector->is_object()) return {};
  auto keys = labelKeys(service.metadata().ns(), selector->get_object());
  if (keys.size() > 1) keys.resize(1);
  return keys;
}

bool isIpv6(std::string_view address) { return address.find(':') != address.npos; }

// By name: among the containers' ports of the same protocol (sidecars in front of the other containers).
std::optional<int64_t> findNamedPort(const Pod& pod, std::string_view name, std::string_view protocol) {
  const auto findIn = [&](const core_v1::Container& container) -> std::optional<int64_t> {
    for (const auto port : container.ports()) {
      const auto portProtocol = port.protocol().empty() ? "TCP" : port.protocol();
      if (port.name() == name && portProtocol == protocol) return port.containerPort();
    }
    return std::nullopt;
  };
  for (const auto container : pod.spec().containers()) {
    if (const auto port = findIn(container)) return port;
  }
  for (const auto container : pod.spec().initContainers()) {
    if (container.restartPolicy() != "Always") continue;
    if (const auto port = findIn(container)) return port;
  }
  return std::nullopt;
}

std::optional<int64_t> targetPortOf(const core_v1::ServicePort& port, const Pod& pod, std::string_view protocol) {
  const auto* target = port.targetPort();
  if (target && target->is_string()) return findNamedPort(pod, target->get_string(), protocol);
  const int64_t number = target && target->is_int64() ? target->get_int64() : 0;
  return number != 0 ? number : port.port();
}

}  // namespace

bool hasManagedEndpoints(const Service& service) {
  return !service.spec().selector().empty() && service.spec().type() != "ExternalName";
}

bool isHeadless(const Service& service) { return service.spec().clusterIP() == "None"; }

std::vector<Family> familiesOf(const Service& service) {
  std::vector<Family> families;
  for (const auto family : service.spec().ipFamilies()) {
    families.push_back(family == "IPv6" ? Family::kIpv6 : Family::kIpv4);
  }
  if (families.empty()) families.push_back(isIpv6(service.spec().clusterIP()) ? Family::kIpv6 : Family::kIpv4);
  return families;
}

std::string_view addressOf(const Pod& pod, Family family) {
  for (const auto ip : pod.status().podIPs()) {
    if (isIpv6(ip.ip()) == (family == Family::kIpv6)) return ip.ip();
  }
  const auto only = pod.status().podIP();
  return isIpv6(only) == (family == Family::kIpv6) ? only : std::string_view();
}

bool canServe(const Pod& pod) { return !isTerminal(pod) && !pod.status().podIP().empty(); }

std::vector<EndpointPort> portsOf(const Service& service, const Pod& pod) {
  std::vector<EndpointPort> ports;
  for (const auto port : service.spec().ports()) {
    const auto protocol = port.protocol().empty() ? "TCP" : port.protocol();
    const auto number = targetPortOf(port, pod, protocol);
    if (!number) continue;
    ports.push_back({std::string(port.name()), std::string(protocol), number, std::string(port.appProtocol())});
  }
  std::sort(ports.begin(), ports.end());
  return ports;
}

std::string_view hostnameUnder(const Service& service, const Pod& pod) {
  const bool under =
      pod.spec().subdomain() == service.metadata().name() && pod.metadata().ns() == service.metadata().ns();
  return under ? pod.spec().hostname() : std::string_view();
}

json::Object podReference(const Pod& pod) {
  const auto metadata = pod.metadata();
  return {{"kind", "Pod"}, {"namespace", metadata.ns()}, {"name", metadata.name()}, {"uid", metadata.uid()}};
}

bool concernsEndpoints(const Pod& before, const Pod& after) {
  const auto facts = [](const Pod& pod) {
    return std::tuple(canServe(pod), isReady(pod), pod.metadata().deleting(), pod.status().podIP(),
                      pod.spec().nodeName(), pod.spec().hostname(), pod.spec().subdomain(), pod.metadata().uid());
  };
  return facts(before) != facts(after) || before.metadata().labels() != after.metadata().labels();
}

ServicePods::ServicePods(client::InformerFactory& informers)
    : pods_(informers.informer(Pod::kResource())), services_(informers.informer(Service::kResource())) {
  pods_.addIndex(std::string(kByLabel), podLabels);
  services_.addIndex(std::string(kBySelector), selectorTerm);
}

std::vector<Pod> ServicePods::podsOf(const Service& service) const {
  std::vector<Pod> pods;
  const auto term = selectorTerm(*service.object());
  if (term.empty()) return pods;
  const auto selector = meta::LabelSelector::fromMap(service.spec().selector().tree());
  for (const auto& object : pods_.byIndex(kByLabel, term.front())) {
    if (selector.matches(object->metadata().labels())) pods.emplace_back(object);
  }
  return pods;
}

std::vector<meta::ObjectKey> ServicePods::servicesOf(const Pod& pod) const {
  std::set<meta::ObjectKey> keys;
  for (const auto& label : podLabels(*pod.object())) {
    for (const auto& object : services_.byIndex(kBySelector, label)) {
      const Service service(object);
      const auto selector = meta::LabelSelector::fromMap(service.spec().selector().tree());
      if (selector.matches(pod.metadata().labels())) keys.insert(object->key());
    }
  }
  return {keys.begin(), keys.end()};
}

}  // namespace wherry::controllers
