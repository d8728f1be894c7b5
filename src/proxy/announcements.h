// Which addresses of Services this node answers for where neighbours ask by ARP or neighbour discovery. Pure.
//
// Every node comes to the same answer by itself: of the nodes that may have an address, the one whose name and the
// address together give the lowest hash has it. So addresses spread over the nodes, and when a node goes, only its own
// move.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/ip_address.h"
#include "meta/object.h"

namespace wherry::proxy {

// The addresses of the load balancer's pool that a Service has. None of a Service that another balancer keeps, or that
// is reached at the nodes' own addresses.
std::set<base::IpAddress> pooledAddresses(const meta::Object& service, const std::vector<base::IpPrefix>& pool);

// Whose turn it is: one of `candidates`, "" when there is none.
std::string electAnnouncer(base::IpAddress address, const std::set<std::string>& candidates);

// The names of the nodes that answer for Services: those that are ready, or all when none is; without those that are
// excluded by node.kubernetes.io/exclude-from-external-load-balancers.
std::set<std::string> announcingNodes(const std::vector<meta::ObjectPtr>& nodes);

struct AnnouncedFrom {
  std::string nodeName;                // this node
  std::vector<base::IpPrefix> pool;    // what may be announced
  std::vector<meta::ObjectPtr> nodes;  // all; none: this one is alone
  // The nodes that have endpoints of a Service ("namespace/name").
  std::function<std::set<std::string>(const std::string& service)> nodesWithEndpoints;
};
// With externalTrafficPolicy Local only nodes with endpoints are asked, while there are any.
std::set<base::IpAddress> decideAnnounced(const std::vector<meta::ObjectPtr>& services, const AnnouncedFrom& from);

}  // namespace wherry::proxy
