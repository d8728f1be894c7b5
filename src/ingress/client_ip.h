// Pods that see their clients' own addresses as the source of connections: who asks for it, and what of it is in a
// model. Pure.
#pragma once

#include <string>
#include <vector>

#include "ingress/routing.h"
#include "views/core_v1.h"

namespace wherry::ingress {

// The families whose clients a Service's pods can see, which are those of its addresses.
std::set<base::IpFamily> familiesOf(const core_v1::Service& service);
// Whether the Service has the annotation wherry.dev/preserve-client-ip: "true".
bool asksToPreserveClientIp(const core_v1::Service& service);

// Whether any route asks for it.
bool preservesClientIp(const Model& model);

// Takes it from all, because of `why`: clients come under the node's address, as usual. Answers with what those hear
// who asked for it.
std::vector<Complaint> stopPreservingClientIp(Model& model, const std::string& why);

}  // namespace wherry::ingress
