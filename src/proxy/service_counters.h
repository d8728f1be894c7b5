// ServiceCounters: how many packets, bytes and connections went through each Service port and to each of its endpoints,
// for /metrics. The kernel counts; it is read when somebody asks, and not before. Safe from any thread; acts in the
// network namespace of the thread that asks.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "base/guarded.h"
#include "base/metrics.h"
#include "client/informer.h"
#include "proxy/service_endpoints.h"

namespace wherry::proxy {

// An informer of EndpointSlices has them by "namespace/name" of their Service under this name.
inline constexpr const char* kByService = "proxy/service";

struct Traffic {
  uint64_t packets = 0;
  uint64_t bytes = 0;
  uint64_t connections = 0;
  Traffic& operator+=(const Traffic& other);
};

// A port of a Service under all addresses that it has; a node port is a port of its own.
struct CountedPort {
  std::string service;  // "namespace/name"
  uint16_t port = 0;
  uint8_t protocol = 0;
  auto operator<=>(const CountedPort&) const = default;
};
using TrafficByPort = std::map<CountedPort, Traffic>;
using TrafficByEndpoint = std::map<std::pair<CountedPort, Endpoint>, Traffic>;

// Pure.
std::string renderTraffic(base::metrics::Format format, const TrafficByPort& ports, const TrafficByEndpoint& endpoints);

class ServiceCounters {
 public:
  // One Node for each family.
  ServiceCounters(client::Informer& services, client::Informer& slices, std::vector<Node> nodes);
  ServiceCounters(const ServiceCounters&) = delete;
  ServiceCounters& operator=(const ServiceCounters&) = delete;

  // Reads the kernel's counters. Those of endpoints that are gone are added to their Service's and removed.
  std::string read(base::metrics::Format format);

 private:
  struct Reading;
  Reading readKernel() const;

  client::Informer& services_;
  client::Informer& slices_;
  const std::vector<Node> nodes_;
  base::Guarded<TrafficByPort> gone_;  // of endpoints that are gone
};

// What the counters say that were shown last, while they live. The informers must outlive them.
std::vector<const base::metrics::FamilyBase*> metricFamilies();
void showInMetrics(const std::shared_ptr<ServiceCounters>& counters);

}  // namespace wherry::proxy
