// The thin part of the Gateway API: its objects as the informers have them, and the writing of their status.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/guarded.h"
#include "client/client.h"
#include "client/informer.h"
#include "client/workqueue.h"
#include "ingress/gateway_routes.h"

namespace wherry::ingress {

// What the cluster has of the Gateway API. Safe from any thread.
class GatewayFollower {
 public:
  // Registers with the informers, before they start. `changed` is called on their thread, after every change.
  GatewayFollower(client::InformerFactory& informers, const std::function<void()>& changed);

  GatewayObjects objects() const;
  // The object that a complaint is about; null when it isn't there, or of no such kind.
  meta::ObjectPtr find(const Origin& origin) const;
  // Blocks; false when stop was requested.
  bool waitSynced(const std::stop_token& stop) const;

 private:
  client::Informer &classes_, &gateways_, &httpRoutes_, &grpcRoutes_, &tlsRoutes_, &grants_, &tlsPolicies_;
};

// Makes the GatewayClass `wherry` unless there is one of that name: one that was deleted is there again with the next
// start. Blocks; throws StatusError.
void makeGatewayClass(client::Client& client, const std::vector<gateway_v1::GatewayClass>& existing);

// Writes each status on a thread of its own. One whose object has changed since is left: that change is looked at
// anyhow.
class GatewayStatusWriter {
 public:
  explicit GatewayStatusWriter(client::Client& client) : client_(client) {}

  void start();
  // Instead of all that isn't written yet. Safe from any thread.
  void set(std::vector<StatusChange> changes);

 private:
  void write(const std::string& key);

  client::Client& client_;
  base::Guarded<std::map<std::string, StatusChange>> wanted_;
  client::Workqueue queue_{"gateway-status"};
  std::unique_ptr<client::ReconcileLoop> loop_;
};

}  // namespace wherry::ingress
