// The rules of one route of the Gateway API, ready for any listener that it attaches to. Pure.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "ingress/gateway_backends.h"
#include "ingress/gateway_matches.h"
#include "ingress/routing.h"
#include "views/gateway_v1.h"

namespace wherry::ingress {

// What all kinds of routes have.
struct RouteView {
  std::string_view kind;
  meta::ObjectPtr object;

  meta::Metadata metadata() const { return object->metadata(); }
  std::string_view nameSpace() const { return metadata().ns(); }
  Origin origin() const { return {std::string(kind), std::string(metadata().ns()), std::string(metadata().name())}; }
  std::vector<std::string> hostnames() const;  // lower case; {""}: it says none
  std::vector<gateway_v1::ParentReference> parentRefs() const;
};

// The older first, then by the alphabet.
bool comesFirst(const RouteView& a, const RouteView& b);

struct WeightedBackend {
  Backend to;
  uint32_t weight;
};

struct CompiledRule {
  std::vector<RequestMatch> matches;  // one of them is enough; a TLSRoute's has none
  // One by chance, and never none. Services that are treated in the same way are shares of the same.
  std::vector<WeightedBackend> to;
};

struct CompiledRules {
  std::vector<CompiledRule> rules;
  std::vector<std::string> dropped;    // what of which rule can't be done here: such a rule is left out
  std::optional<Finding> unresolved;   // a reference of some rule that leads nowhere
  std::set<meta::ObjectKey> services;  // that they refer to, there or not
};

CompiledRules compileRules(const RouteView& route, const ReferenceGrants& grants, const TlsPolicies& policies,
                           const Sources& sources);

}  // namespace wherry::ingress
