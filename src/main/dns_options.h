// The flags of `wherry server` about the cluster DNS. Plain values.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <CLI/App.hpp>

#include "clusterdns/service_limits.h"

namespace wherry::main {

struct DnsOptions {
  uint32_t ttl = 5;          // seconds, of a Service's own addresses and names
  uint32_t headlessTtl = 1;  // of what changes with every pod
  // Answers over UDP a second to an address outside of the cluster; 0: no limit.
  uint32_t answersPerSecond = 1000;
  std::vector<std::string> transferTo;  // prefixes of those who may have the whole zone
};

void declareDnsFlags(CLI::App& parser, DnsOptions& options);

// `trusted`: prefixes of the pods and addresses of the node. Throws std::runtime_error with the flag that is wrong.
clusterdns::ServiceLimits serviceLimits(const DnsOptions& options, std::vector<std::string> trusted);

}  // namespace wherry::main
