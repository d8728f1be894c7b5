// The thin part of the Gateway API: its objects as the informers have them, and the writing of their status.
#pragma once

#include <functional>
#include <vector>

#include "client/client.h"
#include "client/informer.h"
#include "ingress/gateway_routes.h"

namespace wherry::ingress {

// What the cluster has of the Gateway API. Safe from any thread.
class GatewayFollower {
 public:
  // Registers with the informers, before they start. `changed` is called on their thread, after every change.
  GatewayFollower(client::InformerFactory& informers, const std::function<void()>& changed);

  GatewayObjects objects() const;

 private:
  client::Informer &classes_, &gateways_, &httpRoutes_, &grpcRoutes_, &tlsRoutes_, &grants_;
};

// Makes the GatewayClass `wherry` unless there is one of that name: one that was deleted is there again with the next
// start. Blocks; throws StatusError.
void makeGatewayClass(client::Client& client, const std::vector<gateway_v1::GatewayClass>& existing);

// Blocks. One whose object has changed since is left: that change is looked at anyhow. False when one could not be
// written for another reason, and should be tried again.
bool writeStatuses(client::Client& client, const std::vector<StatusChange>& changes);

}  // namespace wherry::ingress
