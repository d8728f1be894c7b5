// Announcer: has the node answer for the addresses that Services have of the load balancer's pool. Each becomes an
// address of the node's (linux/service_addresses.h), so that the kernel answers neighbours who ask for it by ARP or
// neighbour discovery on any link; it is told to all links when it is new, and to a link that comes up. What is for it
// and for no Service's port is refused by the proxy's rules.
//
// It follows Services, EndpointSlices and Nodes, and the kernel's notifications of links and addresses: an address that
// somebody else removed comes back, one of an earlier run that no Service has goes. Safe from any thread; acts in the
// network namespace that it was started in.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/ip_address.h"
#include "client/informer.h"

namespace wherry::proxy {

struct AnnouncerOptions {
  std::string nodeName;
  std::vector<base::IpPrefix> pool;  // may be empty: then there is nothing to announce
};

class Announcer {
 public:
  // Registers with the informers, which must have stopped when it is destroyed. Before informers.start().
  Announcer(client::InformerFactory& informers, AnnouncerOptions options);
  ~Announcer();  // stop()
  Announcer(const Announcer&) = delete;
  Announcer& operator=(const Announcer&) = delete;

  void start();
  // The addresses stay, as the rules do.
  void stop();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// For `wherry reset`. Throws std::system_error.
void removeAnnouncedAddresses();

}  // namespace wherry::proxy
