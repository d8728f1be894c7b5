// Ports of the node that Services of type LoadBalancer have at the node's own addresses. What is sent there is led to
// their endpoints before HAProxy could see it, though both have been given the port. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "ingress/routing.h"
#include "views/core_v1.h"

namespace wherry::ingress {

// By port what to say of it. Only TCP; not what the status says that the Service hasn't got.
using PortClaims = std::map<uint16_t, std::string>;
PortClaims portClaims(const std::vector<core_v1::Service>& services, const std::vector<std::string>& nodeAddresses);

// What those hear who have a part in such a port: the Service has it, so it is they who miss something.
std::vector<Complaint> complaintsOf(const PortClaims& claims, const Model& model);

}  // namespace wherry::ingress
