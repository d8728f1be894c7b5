#include "proxy/service_counters.h"

#include <gtest/gtest.h>
#include <netinet/in.h>

namespace wherry::proxy {
namespace {

TEST(ServiceCounters, ReadAsPrometheusWantsIt) {
  CountedPort web{"shop/web", 80, IPPROTO_TCP};
  Endpoint first{base::IpAddress::ipv4(0x0af40001), 8080};
  EXPECT_EQ(renderTraffic(base::metrics::Format::kPrometheus, {{web, {30, 4000, 5}}}, {{{web, first}, {20, 3000, 4}}}),
            R"(# HELP wherry_service_packets_total Packets in both directions through a port of a Service.
# TYPE wherry_service_packets_total counter
wherry_service_packets_total{namespace="shop",service="web",port="80",protocol="TCP"} 30
# HELP wherry_service_bytes_total Bytes in both directions through a port of a Service.
# TYPE wherry_service_bytes_total counter
wherry_service_bytes_total{namespace="shop",service="web",port="80",protocol="TCP"} 4000
# HELP wherry_service_connections_total Connections begun through a port of a Service.
# TYPE wherry_service_connections_total counter
wherry_service_connections_total{namespace="shop",service="web",port="80",protocol="TCP"} 5
# HELP wherry_service_endpoint_packets_total Packets in both directions through a port of a Service, by endpoint.
# TYPE wherry_service_endpoint_packets_total counter
wherry_service_endpoint_packets_total{namespace="shop",service="web",port="80",protocol="TCP",endpoint="10.244.0.1:8080"} 20
# HELP wherry_service_endpoint_bytes_total Bytes in both directions through a port of a Service, by endpoint.
# TYPE wherry_service_endpoint_bytes_total counter
wherry_service_endpoint_bytes_total{namespace="shop",service="web",port="80",protocol="TCP",endpoint="10.244.0.1:8080"} 3000
# HELP wherry_service_endpoint_connections_total Connections begun through a port of a Service, by endpoint.
# TYPE wherry_service_endpoint_connections_total counter
wherry_service_endpoint_connections_total{namespace="shop",service="web",port="80",protocol="TCP",endpoint="10.244.0.1:8080"} 4
)");
}

}  // namespace
}  // namespace wherry::proxy
