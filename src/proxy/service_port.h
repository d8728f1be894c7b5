// What a Service port and its endpoints are to the kernel. Pure values.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

#include "linux/ipv4.h"

namespace wherry::proxy {

// Where clients send to.
struct ServicePort {
  linux::Ipv4Address ip;
  uint8_t protocol = 0;  // IPPROTO_TCP, IPPROTO_UDP or IPPROTO_SCTP
  uint16_t port = 0;
  auto operator<=>(const ServicePort&) const = default;
};

struct ServicePortHash {
  size_t operator()(const ServicePort& port) const {
    uint64_t value = uint64_t{port.ip.value} << 24 | uint64_t{port.port} << 8 | port.protocol;
    return static_cast<size_t>(value * 0x9e3779b97f4a7c15U >> 17);
  }
};

// Who answers.
struct Endpoint {
  linux::Ipv4Address ip;
  uint16_t port = 0;
  auto operator<=>(const Endpoint&) const = default;
};

// A Service's ports with their endpoints, each sorted and without duplicates. A port without endpoints is refused, one
// that isn't here is not ours.
using ServiceEndpoints = std::map<ServicePort, std::vector<Endpoint>>;

}  // namespace wherry::proxy
