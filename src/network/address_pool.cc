#include "network/address_pool.h"

namespace wherry::network {
namespace {

// More than any node has pods, and few enough to be counted.
constexpr uint8_t kMostBits = 32;

uint64_t countOf(const base::IpPrefix& cidr, bool hasNetwork) {
  uint64_t size = cidr.hostBits() > kMostBits ? uint64_t{1} << kMostBits : uint64_t{1} << cidr.hostBits();
  bool hasBroadcast = hasNetwork && cidr.family() == base::IpFamily::kIPv4;
  return size - (hasNetwork ? 1 : 0) - (hasBroadcast ? 1 : 0);
}

// RFC 3021, RFC 6164: two addresses are two ends, and neither is the network's.
bool hasNetworkAddress(const base::IpPrefix& cidr) { return cidr.hostBits() > 1; }

}  // namespace

AddressPool::AddressPool(const base::IpPrefix& cidr, std::optional<base::IpAddress> last)
    : first_(cidr.address().plus(hasNetworkAddress(cidr) ? 1 : 0)), count_(countOf(cidr, hasNetworkAddress(cidr))) {
  auto offset = last ? last->minus(first_) : std::nullopt;
  last_ = offset && *offset < count_ ? *offset : count_ - 1;
}

std::optional<base::IpAddress> AddressPool::takeNext() {
  for (uint64_t step = 1; step <= count_; ++step) {
    uint64_t offset = (last_ + step) % count_;
    base::IpAddress candidate = first_.plus(offset);
    if (!taken_.insert(candidate).second) continue;
    last_ = offset;
    return candidate;
  }
  return std::nullopt;
}

}  // namespace wherry::network
