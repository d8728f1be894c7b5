// How much of the cluster DNS a client may have, and who counts as one of us. Plain values.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "clusterdns/prefixes.h"

namespace wherry::clusterdns {

struct ServiceLimits {
  // Whose addresses can't be forged: pods and the node. They are answered whatever they ask.
  Prefixes trusted;
  // Answers over UDP to each other address; 0: no limit. A client with a valid cookie is not counted.
  uint32_t answersPerSecond = 0;
  size_t tcpConnections = 256;
  size_t tcpConnectionsPerClient = 64;
  std::chrono::milliseconds tcpIdle{10'000};  // RFC 7766 section 6.2.3
  // Who may have the whole zone (AXFR, RFC 5936).
  Prefixes transferTo;
};

}  // namespace wherry::clusterdns
