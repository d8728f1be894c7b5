// Keeps this machine's Node object in the API: made or brought up to date on start, made again when somebody deletes
// it. No heartbeats: the node's life is this process's.
#pragma once

#include "client/client.h"
#include "client/informer.h"
#include "kubelet/node/node_object.h"

namespace wherry::kubelet {

// Creates or updates what renderNode() made; writes nothing when all is as it should be. Throws StatusError.
void registerNode(client::Client& client, const json::Value& rendered, base::WallTime now);

}  // namespace wherry::kubelet
