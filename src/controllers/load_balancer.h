// The load balancer: gives each Service of type LoadBalancer the addresses that it is reached at, at once, so that none
// stays <pending>. Addresses come from a pool, when there is one; else they are the nodes' own, with the Service's
// ports opened there. Services of another loadBalancerClass are somebody else's.
//
// What the pool's addresses and the opened ports need in the kernel is the proxy's (proxy/).
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controllers/controller.h"
#include "json/value.h"
#include "views/core_v1.h"

namespace wherry::controllers {

std::unique_ptr<Controller> makeLoadBalancerController(ControllerContext& context);

// -- pure ----------------------------------------------------------------------------------------------------------

inline constexpr std::string_view kLoadBalancerClass = "wherry.dev/load-balancer";

struct BalancerOutcome {
  core_v1::Service service;
  json::Object loadBalancer;  // status.loadBalancer as it should be
  std::string warning;        // why the Service has not all that it asks for; "" when it has
};

// Of every Service that is, or has been, balanced. The oldest Service has the first say; what a Service has, it keeps
// while it can.
std::vector<BalancerOutcome> decideLoadBalancers(std::vector<core_v1::Service> services,
                                                 const std::vector<core_v1::Node>& nodes, const AddressRanges& pool,
                                                 const PortHolder& holderOf);

}  // namespace wherry::controllers
