// Hints in EndpointSlices: for clients of which zones and nodes an endpoint is meant. Pure.
//
// spec.trafficDistribution hints each endpoint for its own place (KEP-4444, KEP-3015). The annotation
// service.kubernetes.io/topology-mode: Auto gives each zone endpoints in proportion to its CPUs (KEP-2433), and none
// hints at all where an endpoint would get a fifth more traffic than its share.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "json/value.h"
#include "views/core_v1.h"

namespace wherry::controllers {

// What part of the CPUs each zone has; of nodes that are ready and no control plane. Empty when that can't be told, or
// there are less than two zones.
using ZoneShares = std::map<std::string, double>;
ZoneShares zoneShares(const std::vector<core_v1::Node>& nodes);

// The annotation; its older name goes first.
bool wantsZoneShares(const core_v1::Service& service);

// The hints that trafficDistribution asks for, of a ready endpoint in that place ("" where it isn't known); empty:
// none.
json::Object placeHints(const core_v1::Service& service, std::string_view zone, std::string_view node);
json::Object zoneHint(std::string_view zone);

// A ready endpoint.
struct ZonedEndpoint {
  std::string zone;    // "" when its node has none
  std::string before;  // for which zone it was meant so far; "" for none
};
struct ZoneAllotment {
  std::vector<std::string> zones;  // for which each is meant now, in the order given; empty: no hints
  std::string trouble;             // why there are none, in upstream's words
};
// Moves as few as it can.
ZoneAllotment allotZones(const std::vector<ZonedEndpoint>& endpoints, const ZoneShares& shares);

}  // namespace wherry::controllers
