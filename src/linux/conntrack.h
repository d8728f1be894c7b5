// Connection tracking entries (conntrack(8)), by ctnetlink, of the calling thread's network namespace.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "base/ip_address.h"

namespace wherry::linux {

// One direction of a connection.
struct Flow {
  base::IpAddress source;
  base::IpAddress destination;
  uint16_t sourcePort = 0;  // 0 where the protocol has none
  uint16_t destinationPort = 0;
  auto operator<=>(const Flow&) const = default;
};

// A connection as its first packet was sent and as its answer comes back: to a Service, `original.destination` is the
// cluster IP and `reply.source` the endpoint.
struct Connection {
  uint8_t protocol = 0;  // IPPROTO_...
  Flow original;
  Flow reply;
};

// Deletes the entries for which `matches` holds, so that their next packet is treated as a connection's first; returns
// how many. `protocol` 0 is all, and no family is both. Reads the whole table: call it once for a set of changes.
// Throws std::system_error.
size_t deleteConnections(uint8_t protocol, const std::function<bool(const Connection&)>& matches,
                         std::optional<base::IpFamily> family = std::nullopt);

// The same for all connections to or from an address that is gone, by any protocol. TCP clients and servers of it are
// asked for a sign of life: the answer that they send meets whoever has the address now, who resets it. So an idle
// client learns of it as one that sends does. What asks carries the mark kLifeSignMark, and must not be tracked itself:
// a rule `meta mark ... notrack` at the output hook sees to that.
inline constexpr uint32_t kLifeSignMark = 0x77680001;
void endConnections(const base::IpAddress& gone);

std::vector<Connection> listConnections(uint8_t protocol);

}  // namespace wherry::linux
