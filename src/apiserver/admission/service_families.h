// The IP families of Services (KEP-563): which of clusterIPs, ipFamilies and ipFamilyPolicy a client may leave out, and
// what they then are; what it may not ask for, and what it may change. Pure.
#pragma once

#include <string>
#include <vector>

#include "base/ip_address.h"
#include "json/value.h"
#include "meta/status.h"

namespace wherry::apiserver {

// What an update does not repeat stays as it is. `before`: the stored spec.
void keepClusterIps(json::Object& spec, const json::Object& before);

// clusterIP and the first of clusterIPs are the same field in two shapes: a client that knows the older one alone sets
// both with it. `before`: null on create.
void agreeOnClusterIps(json::Object& spec, const json::Object* before);

// Fills in ipFamilyPolicy and ipFamilies, and takes away what a change to SingleStack releases; or says why not, and
// nothing else is worth saying then. `configured`: the cluster's families, the default first.
void applyFamilies(json::Object& spec, const json::Object* before, const std::vector<base::IpFamily>& configured,
                   meta::FieldErrors& errors);

// Whether clusterIP, clusterIPs and ipFamilies fit together.
void checkClusterIps(const json::Object& spec, meta::FieldErrors& errors);

// The first address and family stay; the second comes with a policy that allows it, and goes with SingleStack alone.
void checkFamilyChanges(const json::Object& spec, const json::Object& before, meta::FieldErrors& errors);

// The texts in the list at `field`; none for what is no list.
std::vector<std::string> textsAt(const json::Object& spec, std::string_view field);

}  // namespace wherry::apiserver
