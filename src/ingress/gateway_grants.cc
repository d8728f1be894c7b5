#include "ingress/gateway_grants.h"

#include <algorithm>

#include "ingress/gateway_names.h"

namespace wherry::ingress {
namespace {

using json::getString;

bool names(const json::Value& from, const CrossReference& reference) {
  return getString(from, "group") == kGatewayGroup && getString(from, "kind") == reference.fromKind &&
         getString(from, "namespace") == reference.fromNamespace;
}

bool opens(const json::Value& to, const CrossReference& reference) {
  const std::string_view name = getString(to, "name");
  return getString(to, "group").empty() && getString(to, "kind") == reference.toKind &&
         (name.empty() || name == reference.toName);
}

bool holdsOne(const json::Object& spec, std::string_view list, bool (*fits)(const json::Value&, const CrossReference&),
              const CrossReference& reference) {
  const json::Value* all = spec.if_contains(list);
  return all && all->is_array() &&
         std::ranges::any_of(all->get_array(), [&](const json::Value& one) { return fits(one, reference); });
}

}  // namespace

bool ReferenceGrants::permit(const CrossReference& reference) const {
  if (reference.fromNamespace == reference.toNamespace) return true;
  return std::ranges::any_of(grants_, [&](const gateway_v1::ReferenceGrant& grant) {
    return grant.metadata().ns() == reference.toNamespace && holdsOne(grant.spec().tree(), "from", names, reference) &&
           holdsOne(grant.spec().tree(), "to", opens, reference);
  });
}

}  // namespace wherry::ingress
