// What a Service port and its endpoints are to the kernel. Pure values.
#pragma once

#include <chrono>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <utility>
#include <vector>

#include "base/ip_address.h"

namespace wherry::proxy {

// Whom a port serves.
enum class Clients : uint8_t {
  kAll,
  kOutside,  // neither the node nor its pods; takes them from kAll, where externalTrafficPolicy makes a difference
};

// Where clients send to.
struct ServicePort {
  base::IpAddress ip;    // 0.0.0.0 or :: for a node port: every address of the node
  uint8_t protocol = 0;  // IPPROTO_TCP, IPPROTO_UDP or IPPROTO_SCTP
  uint16_t port = 0;
  Clients clients = Clients::kAll;

  bool isNodePort() const { return ip.isUnspecified(); }
  auto operator<=>(const ServicePort&) const = default;
};

struct ServicePortHash {
  size_t operator()(const ServicePort& port) const {
    uint64_t rest = uint64_t{port.port} << 9 | uint64_t{port.protocol} << 1 | static_cast<uint64_t>(port.clients);
    return static_cast<size_t>((port.ip.hash() ^ rest) * 0x9e3779b97f4a7c15U >> 17);
  }
};

// Whether answers pass the node by themselves. To an endpoint elsewhere clients that aren't this node's pods come under
// the node's address.
enum class Place : uint8_t { kHere, kElsewhere };

// Who answers.
struct Endpoint {
  base::IpAddress ip;
  uint16_t port = 0;
  Place place = Place::kHere;
  auto operator<=>(const Endpoint&) const = default;
};

// What a Service port leads to.
struct Backends {
  enum class Nobody : uint8_t {  // while there is no endpoint,
    kRefuses,                    // the client is told at once
    kAnswers,                    // its packets are dropped: another node may have one
  };

  std::vector<Endpoint> endpoints = {};  // sorted, no duplicates
  Nobody nobody = Nobody::kRefuses;
  std::chrono::duration<uint32_t> affinity{0};  // for how long a client comes to the same endpoint; 0: it doesn't
  std::vector<base::IpPrefix> sources = {};     // sorted, none within another: who may come to an address;
                                                // none: everybody

  Backends() = default;
  Backends(std::vector<Endpoint> list) : endpoints(std::move(list)) {}  // NOLINT(google-explicit-constructor)
  Backends(std::initializer_list<Endpoint> list) : endpoints(list) {}   // NOLINT(google-explicit-constructor)
  bool operator==(const Backends&) const = default;
};

// A Service's ports with what they lead to. A port that isn't here is not ours.
using ServiceEndpoints = std::map<ServicePort, Backends>;

}  // namespace wherry::proxy
