// FrontDoor: Ingresses (and the Gateway API) on the ports of this node, by a HAProxy beside this process. It follows
// the objects; a change of endpoints reaches HAProxy by a few commands, a change of anything else by a reload.
//
// Safe from any thread. While there is no Ingress or Gateway of ours, no HAProxy runs.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/metrics.h"
#include "base/published.h"
#include "client/client.h"
#include "client/event_recorder.h"
#include "client/informer.h"
#include "ingress/data_plane.h"

namespace wherry::ingress {

struct FrontDoorOptions {
  Settings settings;
  std::vector<std::string> nodeAddresses;  // where Ingresses are served: their status.loadBalancer
  uint16_t httpPort = 80;
  uint16_t httpsPort = 443;
  std::string accessLog;                            // a file, where settings.accessLog is set
  std::function<std::string()> defaultCertificate;  // makes one (chain and key in PEM) for names that have none
  ReturnPath returnPath = {};
};

class FrontDoor {
 public:
  // Registers with the informers, which must have stopped when it is destroyed. Before informers.start().
  FrontDoor(client::Client& client, client::InformerFactory& informers, const client::EventRecorder& events,
            FrontDoorOptions options);
  ~FrontDoor();  // HAProxy goes on
  FrontDoor(const FrontDoor&) = delete;
  FrontDoor& operator=(const FrontDoor&) = delete;

  // REQUIRES: the informers are synced, or will be.
  void start();

  // The revision of EndpointSlices up to which all of them are HAProxy's; 0 until it was looked at for the first time.
  const base::Published<int64_t>& applied() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace wherry::ingress
