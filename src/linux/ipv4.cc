#include "linux/ipv4.h"

#include <cstring>

#include <arpa/inet.h>
#include <fmt/format.h>

#include "base/ip.h"
#include "base/strings.h"

namespace wherry::linux {

std::optional<Ipv4Address> Ipv4Address::parse(std::string_view text) {
  auto bytes = base::parseIp(text);
  if (!bytes || bytes->size() != sizeof(uint32_t)) return std::nullopt;
  uint32_t order = 0;
  std::memcpy(&order, bytes->data(), sizeof order);
  return fromNetworkOrder(order);
}

std::string Ipv4Address::text() const {
  return fmt::format("{}.{}.{}.{}", value >> 24, (value >> 16) & 255, (value >> 8) & 255, value & 255);
}

uint32_t Ipv4Address::networkOrder() const { return htonl(value); }

Ipv4Address Ipv4Address::fromNetworkOrder(uint32_t value) { return {ntohl(value)}; }

std::optional<Ipv4Prefix> Ipv4Prefix::parse(std::string_view text) {
  auto parts = base::splitOnce(text, '/');
  if (!parts) return std::nullopt;
  auto address = Ipv4Address::parse(parts->first);
  auto length = base::parseInt<unsigned>(parts->second);
  if (!address || !length || *length > 32) return std::nullopt;
  Ipv4Prefix prefix{*address, static_cast<uint8_t>(*length)};
  prefix.address.value &= prefix.mask();
  return prefix;
}

std::string Ipv4Prefix::text() const { return fmt::format("{}/{}", address.text(), length); }

std::vector<Ipv4Prefix> coverRange(Ipv4Address first, Ipv4Address last) {
  std::vector<Ipv4Prefix> prefixes;
  uint64_t next = first.value;
  while (next <= last.value) {
    uint8_t length = 32;
    auto sizeOf = [](uint8_t bits) { return uint64_t{1} << (32 - bits); };
    while (length > 0 && next % sizeOf(length - 1) == 0 && next + sizeOf(length - 1) - 1 <= last.value) --length;
    prefixes.push_back({{static_cast<uint32_t>(next)}, length});
    next += sizeOf(length);
  }
  return prefixes;
}

}  // namespace wherry::linux
