// The cluster DNS: follows Services, EndpointSlices and Namespaces, keeps the zone and serves it on the cluster DNS
// address, which sits on the node's loopback. It owns the kube-dns Service and its EndpointSlice in kube-system and
// makes them again when they go.
//
// Pure half: zone.h, answer.h. start() once; safe from any thread after it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/published.h"
#include "client/client.h"
#include "client/informer.h"
#include "clusterdns/answer.h"
#include "clusterdns/forward_config.h"
#include "clusterdns/reply_cache.h"
#include "clusterdns/service_limits.h"

namespace wherry::clusterdns {

struct ClusterDnsOptions {
  std::string domain = "cluster.local";
  std::string address = "10.96.0.10";
  std::string nodeName;
  std::string nodeIp;
  std::string resolvConf = "/etc/resolv.conf";
  unsigned threads = 2;
  AnswerOptions answers;
  ForwardConfig forward;
  CacheLimits cache;
  bool searches = false;  // goes through pods' search paths on their behalf
  ServiceLimits limits;
};

class ClusterDns {
 public:
  ClusterDns(client::Client& client, client::InformerFactory& informers, ClusterDnsOptions options);
  ~ClusterDns();  // stops; the address stays on the loopback until removeAddress()

  // Puts the address on the loopback and serves it. Throws std::system_error when port 53 of it is taken.
  void start();

  // Answers hold everything up to this revision of the EndpointSlices.
  const base::Published<int64_t>& applied() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace wherry::clusterdns
