// RBAC over the store: the roles and bindings there are, as an index that is swapped whole. A change counts for the
// first request after its write was acknowledged. Safe from any thread.
#pragma once

#include <string_view>

#include "apiserver/authorization/attributes.h"
#include "apiserver/authorization/role_index.h"
#include "apiserver/authorization/store_follower.h"
#include "base/published.h"
#include "storage/store.h"

namespace wherry::apiserver {

class RoleAuthorizer {
 public:
  explicit RoleAuthorizer(storage::Store& store);

  Decision decide(const User& user, const Attributes& attributes) const { return index()->decide(user, attributes); }
  // As of now; keep it for as long as one answer takes.
  base::Published<RoleIndex>::Snapshot index() const;

 private:
  void take(const std::string& key, const storage::EntryPtr& entry);

  RoleObjects objects_;  // touched by the follower's functions only
  base::Published<RoleIndex> index_;
  mutable StoreFollower follower_;
};

}  // namespace wherry::apiserver
