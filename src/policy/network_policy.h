// A NetworkPolicy and a pod, as far as they matter here. Values; pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/ip_address.h"
#include "meta/object.h"
#include "meta/selector.h"
#include "policy/port_set.h"

namespace wherry::policy {

struct IpBlock {
  base::IpPrefix cidr;
  std::vector<base::IpPrefix> except;

  bool contains(const base::IpAddress& address) const;
  std::string text() const;  // equal for equal ones
};

// The pods that a peer of a rule means.
struct PeerSelector {
  // Of the policy's own namespace, unless `namespaces` is there.
  std::string ns;
  std::optional<meta::LabelSelector> namespaces;
  meta::LabelSelector pods;
  // Only with these addresses. Such a peer is there for the ports that pods in a block have by name.
  std::optional<IpBlock> within = std::nullopt;

  std::string text() const;  // equal for equal ones
};

struct PolicyRule {
  std::vector<PeerSelector> peers;
  std::vector<IpBlock> blocks;
  PortSet ports;
};

enum class Direction : uint8_t { kIngress, kEgress };

struct NetworkPolicy {
  std::string ns;
  meta::LabelSelector pods;  // those that it isolates
  // Nothing: it does not speak about this direction.
  std::optional<std::vector<PolicyRule>> ingress, egress;

  const std::optional<std::vector<PolicyRule>>& rules(Direction direction) const {
    return direction == Direction::kIngress ? ingress : egress;
  }
};
NetworkPolicy readNetworkPolicy(const meta::Object& policy);

struct PodFacts {
  meta::ObjectPtr object;  // whose labels are looked at
  std::string ns;
  std::vector<base::IpAddress> addresses;  // none: it is no party to anything: on the node's network, or ended
  NamedPorts ports;
  bool ending = false;  // it is being deleted: another may have its address before that is known to be over

  const json::Object& labels() const { return object->metadata().labels(); }
};
PodFacts readPod(const meta::ObjectPtr& pod);
// Whether what is known of the pod is the same for both.
bool sameFacts(const PodFacts& a, const PodFacts& b);

}  // namespace wherry::policy
