// Registries made of lists of kinds. Pure.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "schema/kind.h"

namespace wherry::schema {

struct RegistryParts {
  std::vector<KindPtr> kinds;      // with a resource of their own, in the order of discovery
  std::vector<KindPtr> bareKinds;  // without one: found by name only
  std::map<std::string, NodePtr, std::less<>> definitions;
};

RegistryPtr makeRegistry(RegistryParts parts);

// `base`, to which these kinds are added. A resource that `base` has in any version stays as it is there.
RegistryPtr extendRegistry(RegistryPtr base, std::vector<KindPtr> kinds);

// Whether a version of this resource is in the registry.
bool hasResource(const Registry& registry, const meta::GroupResource& resource);

}  // namespace wherry::schema
