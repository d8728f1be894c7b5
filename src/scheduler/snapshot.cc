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
      hostPorts(hostPortsOf(pod.spec())) {}

void NodeInfo::setNode(core_v1::Node node) {
  node_ = std::move(node);
  allocatable_ = node_ ? Resources::of(node_.status().allocatable()) : Resources();
}

void NodeInfo::add(const PodInfo& pod) {
  requested_.add(pod.requests);
  scoredRequested_.add(pod.scoredRequests);
  ++podCount_;
  for (const auto& port : pod.hostPorts) ++hostPorts_[port];
}

void NodeInfo::remove(const PodInfo& pod) {
  requested_.subtract(pod.requests);
  scoredRequested_.subtract(pod.scoredRequests);
  --podCount_;
  for (const auto& port : pod.hostPorts) {
    if (--hostPorts_[port] == 0) hostPorts_.erase(port);
  }
}

bool NodeInfo::hasConflict(const HostPort& port) const {
  return std::any_of(hostPorts_.begin(), hostPorts_.end(),
                     [&](const auto& used) { return used.first.conflictsWith(port); });
}

}  // namespace wherry::scheduler
