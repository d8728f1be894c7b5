// Proxy: makes Services reachable under their cluster IPs, node ports and external addresses, by the nftables
// tables `wherry_proxy` of families ip and ip6, in the network namespace it was started in. It follows Services and
// EndpointSlices; each batch of changes is one small transaction.
//
// Safe from any thread. Where the kernel refuses a change (somebody flushed the ruleset), the whole table is written
// anew; where that fails too it is tried again, later each time.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/ip_address.h"
#include "base/metrics.h"
#include "base/published.h"
#include "client/informer.h"
#include "proxy/kernel_reading.h"

namespace wherry::proxy {

struct ProxyOptions {
  std::string nodeName;
  // The node's own addresses, the cluster DNS address among them: a cluster IP that is one of them is left alone.
  std::vector<std::string> nodeAddresses;
  // "10.244.0.0/24", and of the other family separated by a comma: this node's pods. What comes from elsewhere, and not
  // from the node, is from outside.
  std::string podCidr;
  // "10.96.0.0/12", or two: the families in which there are Services (none: IPv4). What no Service has of it is
  // refused, and the node has a route to it; "": neither.
  std::string serviceCidr;
  // Addresses for Services of type LoadBalancer: what no Service has of them is refused, whoever listens on the node.
  std::vector<base::IpPrefix> balancerPool = {};
};

class Proxy {
 public:
  // Registers with the informers, which must have stopped when it is destroyed. Before informers.start().
  Proxy(client::InformerFactory& informers, const ProxyOptions& options);
  ~Proxy();  // stop()
  Proxy(const Proxy&) = delete;
  Proxy& operator=(const Proxy&) = delete;

  // Replaces the table as soon as both informers have synced, in one step: connections go on, and no packet sees a
  // table that is half there.
  void start();
  // The rules stay: pods outlive the process.
  void stop();

  // The revision of EndpointSlices up to which all of them are in the kernel; 0 until the first table is.
  const base::Published<int64_t>& applied() const;

  // What the kernel has of a Service ("namespace/name"), beside what it shall have. In the network namespace of the
  // calling thread. Throws std::system_error.
  std::vector<PortReading> readBack(const std::string& service) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// How much went through Services, for /metrics; of the Proxy that was made last, while it lives.
std::vector<const base::metrics::FamilyBase*> metricFamilies();

// Deletes the tables and the routes (`wherry reset`). Throws std::system_error.
void removeProxyRules();

}  // namespace wherry::proxy
