// Carries out what decideClaims decided: a controller's own objects, after orphans were adopted and strangers released.
#pragma once

#include <vector>

#include "client/client.h"
#include "client/informer.h"
#include "client/own_writes.h"
#include "meta/object.h"

namespace wherry::controllers {

// Those of `candidates` that `owner` (by its spec.selector) controls afterwards, as stored. Throws StatusError; what is
// gone meanwhile is left out.
std::vector<meta::ObjectPtr> applyClaims(client::Client& client, const meta::Resource& resource,
                                         const meta::Object& owner, const std::vector<meta::ObjectPtr>& candidates,
                                         client::OwnWrites& writes);

// What `owner` controls and the orphans of its namespace. REQUIRES: the indexes kByController and kOrphans.
std::vector<meta::ObjectPtr> claimCandidates(const meta::Object& owner, const client::Informer& informer);

}  // namespace wherry::controllers
