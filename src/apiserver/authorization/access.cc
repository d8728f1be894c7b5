#include "apiserver/authorization/access.h"

namespace wherry::apiserver {
Decision Access::decide(const User& user, const Attributes& attributes) const {
  if (auto decision = first_(user, attributes); decision.allowed) return decision;
  auto byNode = nodes_.decide(user, attributes);
  if (byNode.allowed) return byNode;
  auto byRole = roles_.decide(user, attributes);
  if (byRole.allowed || byNode.reason.empty()) return byRole;
  if (!byRole.reason.empty()) byNode.reason += "\n" + byRole.reason;
  return byNode;
}

Authorizer Access::authorizer() const {
  return [this](const User& user, const Attributes& attributes) { return decide(user, attributes); };
}

}  // namespace wherry::apiserver
