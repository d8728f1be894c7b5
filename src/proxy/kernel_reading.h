// What the kernel's sets and maps hold for ports of a Service, read back, beside what they shall hold: for whoever asks
// why a Service does not work.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "linux/netlink_socket.h"
#include "proxy/service_port.h"

namespace wherry::proxy {

struct PortReading {
  enum class State : uint8_t {
    kLeads,    // to endpoints
    kRefuses,  // clients are told at once that nobody is there
    kDrops,    // packets are dropped: another node may have an endpoint
    kUnknown,  // the kernel has nothing of it
    kTorn,     // it has endpoints, but no rule leads to them
  };

  std::string address;   // "10.96.0.1"; "" for a node port
  std::string protocol;  // "TCP"
  uint16_t port = 0;
  Clients clients = Clients::kAll;
  State state = State::kUnknown;
  std::vector<std::string> endpoints;  // in the kernel: "10.244.0.7:8080", "[fd00::7]:8080", sorted
  std::vector<std::string> wanted;     // the same as the API's objects have it
};
const char* stateText(PortReading::State state);  // "leads", "refuses", "drops", "unknown", "torn"

// One for each of `wanted`, which is of one family. `socket` is of NETLINK_NETFILTER, in the proxy's network namespace.
// Reads whole sets: tens of milliseconds with ten thousand Services. Throws std::system_error.
std::vector<PortReading> readPorts(linux::NetlinkSocket& socket, const ServiceEndpoints& wanted,
                                   base::IpFamily family = base::IpFamily::kIPv4);

}  // namespace wherry::proxy
