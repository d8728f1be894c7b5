#include "scheduler/snapshot.h"

#include <algorithm>

namespace wherry::scheduler {

namespace {

constexpr std::string_view kAnyAddress = "0.0.0.0";

void addHostPorts(const core_v1::Container& container, std::vector<HostPort>& ports) {
  for (const auto port : container.ports()) {
    if (port.hostPort() == 0) continue;
    ports.push_back({std::string(port.hostIP().empty() ? kAnyAddress : port.hostIP()),
                     std::string(port.protocol().empty() ? "TCP" : port.protocol()), port.hostPort()});
  }
}

std::vector<HostPort> hostPortsOf(const core_v1::PodSpec& spec) {
  std::vector<HostPort> ports;
  for (const auto container : spec.containers()) addHostPorts(container, ports);
  for (const auto container : spec.initContainers()) {
    if (container.restartPolicy() == "Always") addHostPorts(container, ports);
  }
  return ports;
}

}  // namespace

bool HostPort::conflictsWith(const HostPort& other) const {
  return port == other.port && protocol == other.protocol &&
         (ip == other.ip || ip == kAnyAddress || other.ip == kAnyAddress);
}

PodInfo::PodInfo(core_v1::Pod podToRead)
    : pod(std::move(podToRead)),
      requests(requestsOf(pod.spec())),
      scoredRequests(scoredRequestsOf(pod.spec())),
      hostPorts(hostPortsOf(pod.spec())),
      affinity(affinityTermsOf(pod)) {}

void NodeInfo::setNode(core_v1::Node node) {
  node_ = std::move(node);
  name_ = node_ ? node_.metadata().name() : std::string_view();
  allocatable_ = node_ ? Resources::of(node_.status().allocatable()) : Resources();
}

void NodeInfo::add(PodInfoPtr pod) {
  requested_.add(pod->requests);
  scoredRequested_.add(pod->scoredRequests);
  for (const auto& port : pod->hostPorts) ++hostPorts_[port];
  pods_.push_back(std::move(pod));
}

void NodeInfo::remove(const PodInfoPtr& pod) {
  requested_.subtract(pod->requests);
  scoredRequested_.subtract(pod->scoredRequests);
  for (const auto& port : pod->hostPorts) {
    if (--hostPorts_[port] == 0) hostPorts_.erase(port);
  }
  std::erase(pods_, pod);
}

std::optional<std::string_view> NodeInfo::label(std::string_view key) const {
  const json::Value* value = node_ ? node_.metadata().labels().if_contains(key) : nullptr;
  if (!value || !value->is_string()) return std::nullopt;
  return value->get_string();
}

bool NodeInfo::hasConflict(const HostPort& port) const {
  return std::any_of(hostPorts_.begin(), hostPorts_.end(),
                     [&](const auto& used) { return used.first.conflictsWith(port); });
}

}  // namespace wherry::scheduler
