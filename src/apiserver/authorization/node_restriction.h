// What a node may write of what it may write at all (upstream's NodeRestriction): its own Node, but not its taints and
// the labels by which pods are kept off it; the status of its own pods; its own Lease. Only for nodes that come as
// such: members of system:masters, as the kubelet of this process is, may do everything. Pure.
#pragma once

#include "apiserver/admission/admission.h"

namespace wherry::apiserver {

// All of these throw Forbidden, and do nothing for who is no node.
void restrictNode(const AdmissionRequest& request);
void restrictEviction(const User& user, const meta::Object& pod);
void restrictTokenRequest(const ObjectReader& objects, const User& user, std::string_view ns, std::string_view account,
                          const json::Value& request);

}  // namespace wherry::apiserver
