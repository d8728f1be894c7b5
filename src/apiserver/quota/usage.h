// What objects use of a namespace's quota, under the names that ResourceQuotas count. Pure.
#pragma once

#include <string>
#include <vector>

#include "apiserver/admission/pod_resources.h"
#include "json/value.h"
#include "meta/gvk.h"

namespace wherry::apiserver::quota {

// What the object takes of this ResourceQuota's spec.hard: nothing when it is not of the quota's scopes.
Resources usageIn(const json::Value& quota, const meta::GroupResource& resource, const json::Value& object);

// The kinds of objects that this ResourceQuota is about.
std::vector<meta::GroupResource> countedResources(const json::Value& quota);

// Kinds that quotas never count.
bool isIgnored(const meta::GroupResource& resource);

// "cpu for: web; memory for: proxy,web": the containers of a new pod that don't say what they take of what the quota
// limits; "" when all do. A quota on computing resources can only be kept when every container says so.
std::string missingAmounts(const json::Value& quota, const json::Value& pod);

Resources hardOf(const json::Value& quota);  // spec.hard
json::Object renderAmounts(const Resources& amounts);

}  // namespace wherry::apiserver::quota
