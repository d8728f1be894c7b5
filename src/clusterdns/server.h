// The sockets of the cluster DNS: UDP on as many threads as asked for, TCP (RFC 7766) and forwarding on one event loop.
//
// publish() makes a new zone visible to the very next query. Safe from any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "clusterdns/answer.h"
#include "clusterdns/forward_config.h"
#include "clusterdns/forwarder.h"
#include "clusterdns/pod_namespaces.h"
#include "clusterdns/reply_cache.h"
#include "clusterdns/service_limits.h"
#include "clusterdns/zone.h"

namespace wherry::clusterdns {

struct ServerOptions {
  std::string address;  // need not be on a link yet
  uint16_t port = 53;   // 0: any, the same for UDP and TCP
  unsigned threads = 1;
  AnswerOptions answers;
  std::string resolvConf = "/etc/resolv.conf";  // read again when it changes
  uint16_t upstreamPort = 53;                   // of the resolvers in it
  ForwardConfig forward;
  CacheLimits cache;
  ForwardTimes forwardTimes;
  ServiceLimits limits;
  // The pods whose search paths are gone through on their behalf; null: clients do that themselves.
  std::shared_ptr<const PodNamespaces> searching;
};

class Server {
 public:
  virtual ~Server() = default;  // stops
  virtual uint16_t port() const = 0;
  virtual void publish(std::shared_ptr<const Zone> zone) = 0;
  // What the ConfigMap kube-system/kube-dns says now.
  virtual void configure(DnsConfigMap configMap) = 0;
};

// Throws std::system_error when the address or port can't be had.
std::unique_ptr<Server> startServer(ServerOptions options, std::shared_ptr<const Zone> zone);

}  // namespace wherry::clusterdns
