#include "apiserver/authorization/access.h"

namespace wherry::apiserver {
namespace {

struct AskAccess {
  const Access* access;
  Decision operator()(const User& user, const Attributes& attributes) const { return access->decide(user, attributes); }
};

}  // namespace

Decision Access::decide(const User& user, const Attributes& attributes) const {
  if (auto decision = first_(user, attributes); decision.allowed) return decision;
  auto byNode = nodes_.decide(user, attributes);
  if (byNode.allowed) return byNode;
  auto byRole = roles_.decide(user, attributes);
  if (byRole.allowed || byNode.reason.empty()) return byRole;
  if (!byRole.reason.empty()) byNode.reason += "\n" + byRole.reason;
  return byNode;
}

Authorizer Access::authorizer() const { return AskAccess{this}; }

const RoleAuthorizer* rolesBehind(const Authorizer& authorizer) {
  const auto* ask = authorizer.target<AskAccess>();
  return ask ? &ask->access->roles_ : nullptr;
}

}  // namespace wherry::apiserver
