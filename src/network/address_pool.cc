#include "network/address_pool.h"

namespace wherry::network {

AddressPool::AddressPool(linux::Ipv4Prefix cidr, std::optional<linux::Ipv4Address> last) {
  uint32_t size = cidr.length == 0 ? ~uint32_t{0} : ~cidr.mask() + 1;
  bool hasEnds = cidr.length < 31;  // RFC 3021: a /31 has neither network nor broadcast address
  first_ = cidr.address.value + (hasEnds ? 1 : 0);
  count_ = size - (hasEnds ? 2 : 0);
  last_ = last && last->value >= first_ && last->value - first_ < count_ ? last->value : first_ + count_ - 1;
}

std::optional<linux::Ipv4Address> AddressPool::takeNext() {
  for (uint32_t step = 1; step <= count_; ++step) {
    linux::Ipv4Address candidate{first_ + (last_ - first_ + step) % count_};
    if (!taken_.insert(candidate).second) continue;
    last_ = candidate.value;
    return candidate;
  }
  return std::nullopt;
}

}  // namespace wherry::network
