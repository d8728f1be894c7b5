// HealthChecks: a small HTTP server for each Service with a healthCheckNodePort, which tells a load balancer whether
// this node has endpoints of it: 200 or 503, in the words of kube-proxy. An instance belongs to one thread; its servers
// are in the network namespace of that.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "net/server.h"
#include "proxy/service_endpoints.h"

namespace wherry::proxy {

class HealthChecks {
 public:
  // Of the servers that are made from now on: "::" is asked by IPv4 too. Before: every IPv4 address.
  void listenOn(std::string address) { address_ = std::move(address); }
  // What is asked of `service` ("namespace/name") from now on; nothing: it is asked no more. A port that can't be had
  // is logged, and tried again at the Service's next change.
  void set(const std::string& service, std::optional<HealthCheck> check);

 private:
  struct Asked {
    uint16_t port;
    std::shared_ptr<std::atomic<size_t>> localEndpoints;
    std::unique_ptr<net::Server> server;
  };
  std::string address_ = "0.0.0.0";
  std::map<std::string, Asked> asked_;
};

// The answer of a proxy that works. Pure.
net::Response renderHealth(const std::string& service, size_t localEndpoints);

}  // namespace wherry::proxy
