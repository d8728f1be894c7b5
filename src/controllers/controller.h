// What every controller is: a loop from a snapshot of objects to another state. Each has a pure half (decideX) that
// says what to do, and a thin half, hidden in its .cc, that reads informers, decides, and writes through the Client.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "client/client.h"
#include "client/event_recorder.h"
#include "client/informer.h"
#include "controllers/address_ranges.h"
#include "pki/certificate.h"

namespace wherry::controllers {

class ObjectFeed;

// Which program of the machine has a port, as a sentence goes on ("is in use by sshd (process 12)"); "" when none has.
using PortHolder = std::function<std::string(std::string_view protocol, int64_t port)>;

// What controllers are made of. Outlives them.
struct ControllerContext {
  client::Client& client;
  client::InformerFactory& informers;
  const client::EventRecorder& events;  // each controller derives one under its own name
  const base::Clock& clock = base::Clock::system();
  std::string rootCaPem;                      // published as ConfigMap kube-root-ca.crt
  std::optional<pki::KeyPair> authority{};    // signs CertificateSigningRequests; without it nobody does
  std::string clusterCidr = "10.244.0.0/16";  // pods' addresses; each node gets a piece
  int nodeCidrMaskSize = 24;                  // the size of that piece
  AddressRanges loadBalancerPool{};           // empty: Services of type LoadBalancer are reached at the nodes' own
  std::string localVolumeDirectory =
      "/var/lib/wherry/volumes";     // where volumes of the built-in class are, on each node
  PortHolder portHolder{};           // empty: the machine's programs are not asked
  std::shared_ptr<ObjectFeed> feed;  // see sharedFeed()
};

// Made by its factory, which adds handlers and indexes to informers but does no work; works from start() until
// destroyed. The informers call into it: stop the InformerFactory first.
class Controller {
 public:
  virtual ~Controller() = default;
  virtual void start() = 0;  // REQUIRES: the informers are synced
};

}  // namespace wherry::controllers
