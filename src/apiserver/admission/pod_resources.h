// Amounts of resources, and what a pod asks for. Pure.
#pragma once

#include <map>
#include <string>

#include "json/value.h"
#include "meta/quantity.h"

namespace wherry::apiserver {

using Resources = std::map<std::string, meta::Quantity>;

// {"cpu": "100m", "memory": "1Gi"}; what is no quantity is left out.
Resources readResources(const json::Object& list);
void add(Resources& to, const Resources& more);

// The "requests" or "limits" of a whole pod: those of its containers and sidecars together, or of an init container
// when that alone takes more (KEP-753), and the pod's overhead.
Resources podResources(const json::Object& podSpec, const char* list);

}  // namespace wherry::apiserver
