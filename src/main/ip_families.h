// The families of a cluster's addresses, which its ranges say, and lists of addresses as flags have them. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ip_address.h"

namespace wherry::main {

// "10.244.0.0/16", "fd00:10:244::/56", or both separated by a comma. Throws std::runtime_error that names the flag for
// anything else.
std::vector<base::IpPrefix> requireRanges(const char* flag, const std::string& list);

// The family's range in such a list; nothing when there is none.
std::optional<base::IpPrefix> findRange(const std::string& list, base::IpFamily family);

// The families in their order. REQUIRES: requireRanges() accepts the list.
std::vector<base::IpFamily> familiesOf(const std::string& ranges);

// This node's pieces of the pods' ranges, as a list: of IPv4 at least 256 addresses, and enough for `maxPods`; of IPv6
// a /64. A range that is smaller is the node's as a whole.
std::string nodeRanges(const std::string& clusterCidrs, int maxPods);

// The address that the cluster DNS has unless it is given one: the tenth of the first range of Services.
std::string defaultClusterDns(const std::string& serviceCidrs);

// "10.0.0.1:6443", "[fd00::1]:6443"
std::string hostAndPort(const std::string& ip, uint16_t port);

}  // namespace wherry::main
