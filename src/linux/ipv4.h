// IPv4 addresses and prefixes as values. Pure; safe from any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ip_address.h"

namespace wherry::linux {

struct Ipv4Address {
  uint32_t value = 0;  // host byte order: 10.0.0.1 is 0x0a000001

  static std::optional<Ipv4Address> parse(std::string_view text);  // dotted quad only
  std::string text() const;
  uint32_t networkOrder() const;
  static Ipv4Address fromNetworkOrder(uint32_t value);
  operator base::IpAddress() const { return base::IpAddress::ipv4(value); }  // NOLINT(google-explicit-constructor)
  auto operator<=>(const Ipv4Address&) const = default;
};

struct Ipv4Prefix {
  Ipv4Address address;  // without host bits
  uint8_t length = 0;

  // "10.244.0.0/16"; host bits are cut off. Nothing when it is not a prefix.
  static std::optional<Ipv4Prefix> parse(std::string_view text);
  std::string text() const;
  uint32_t mask() const { return length == 0 ? 0 : ~uint32_t{0} << (32 - length); }
  bool contains(Ipv4Address other) const { return (other.value & mask()) == address.value; }
  operator base::IpPrefix() const { return {address, length}; }  // NOLINT(google-explicit-constructor)
  auto operator<=>(const Ipv4Prefix&) const = default;
};

// The fewest prefixes that have the addresses from `first` to `last`, and no others; in their order.
std::vector<Ipv4Prefix> coverRange(Ipv4Address first, Ipv4Address last);

}  // namespace wherry::linux
