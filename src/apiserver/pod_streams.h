// pods/exec, pods/attach, pods/portforward: a client's connection, upgraded and joined to the pod's node.
#pragma once

#include "apiserver/backend.h"
#include "apiserver/resource_handler.h"

namespace wherry::apiserver {

// Throws StatusError for what the API server finds wrong; what the node says is answered as its kubelet would.
void servePodStream(Backend& backend, const ApiRequest& request);

}  // namespace wherry::apiserver
