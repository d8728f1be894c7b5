// The EndpointSlice controller: for each Service with a selector, slices of at most 100 endpoints that say where its
// pods are and whether they serve (KEP-752). A change touches as few slices as it can.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "controllers/controller.h"
#include "controllers/service_pods.h"
#include "controllers/topology_hints.h"
#include "json/value.h"
#include "views/core_v1.h"
#include "views/discovery_v1.h"

namespace wherry::controllers {

std::unique_ptr<Controller> makeEndpointSliceController(ControllerContext& context);

// -- pure ----------------------------------------------------------------------------------------------------------

inline constexpr size_t kMaxEndpointsPerSlice = 100;
inline constexpr std::string_view kManagedBy = "endpointslice.kubernetes.io/managed-by";
inline constexpr std::string_view kServiceName = "kubernetes.io/service-name";
inline constexpr std::string_view kManager = "endpointslice-controller.k8s.io";

// Where a node is: its label topology.kubernetes.io/zone; "" when it has none.
using ZoneOf = std::function<std::string(std::string_view node)>;

struct SliceActions {
  std::vector<json::Value> create;
  std::vector<json::Value> update;  // whole objects, with the resourceVersion that they were made from
  std::vector<discovery_v1::EndpointSlice> remove;
  // With the annotation that wants zones to have shares (topology_hints.h), for each address type: why they have none;
  // "" when they have.
  std::map<std::string, std::string> sharesTrouble = {};
};
// `slices`: those of this Service that this controller manages.
SliceActions decideEndpointSlices(const core_v1::Service& service, const std::vector<core_v1::Pod>& pods,
                                  const std::vector<discovery_v1::EndpointSlice>& slices, const ZoneOf& zoneOf,
                                  const ZoneShares& shares = {});

}  // namespace wherry::controllers
