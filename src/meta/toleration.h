// Whether pods put up with a node's taints. Pure.
#pragma once

#include "json/value.h"

namespace wherry::meta {

// One Toleration and one Taint, as upstream's ToleratesTaint: what the toleration leaves out covers everything.
bool tolerates(const json::Object& toleration, const json::Object& taint);
// Any of a pod's tolerations does.
bool toleratesAny(const json::Array& tolerations, const json::Object& taint);

}  // namespace wherry::meta
