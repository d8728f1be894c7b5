// Who may do what: members of system:masters everything, a node what concerns it (node_authorizer.h), and everyone what
// roles grant them (role_authorizer.h). Safe from any thread.
#pragma once

#include "apiserver/authorization/attributes.h"
#include "apiserver/authorization/node_authorizer.h"
#include "apiserver/authorization/role_authorizer.h"

namespace wherry::apiserver {

class Access {
 public:
  // `first` is asked before nodes and roles.
  Access(Authorizer first, storage::Store& store, const ObjectReader& objects)
      : first_(std::move(first)), nodes_(store, objects), roles_(store) {}

  Decision decide(const User& user, const Attributes& attributes) const;

  // It must not outlive this.
  Authorizer authorizer() const;

  // For what is more than yes and no.
  const RoleAuthorizer& roles() const { return roles_; }

 private:
  Authorizer first_;
  NodeAuthorizer nodes_;
  RoleAuthorizer roles_;
};

}  // namespace wherry::apiserver
