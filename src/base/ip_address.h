// IP addresses and prefixes of both families as values. Pure; safe from any thread.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace wherry::base {

enum class IpFamily : uint8_t { kIPv4, kIPv6 };
inline constexpr std::array<IpFamily, 2> kIpFamilies = {IpFamily::kIPv4, IpFamily::kIPv6};

const char* familyName(IpFamily family);  // "IPv4", "IPv6": as Kubernetes spells it
constexpr uint8_t addressBits(IpFamily family) { return family == IpFamily::kIPv4 ? 32 : 128; }
constexpr IpFamily otherFamily(IpFamily family) {
  return family == IpFamily::kIPv4 ? IpFamily::kIPv6 : IpFamily::kIPv4;
}

// Sorted as numbers, those of IPv4 apart from those of IPv6. An IPv4 address is held as ::ffff:a.b.c.d (RFC 4291
// section 2.5.5.2), which is no IPv6 address of its own here: Kubernetes accepts none.
class IpAddress {
 public:
  constexpr IpAddress() = default;                                                               // 0.0.0.0
  static constexpr IpAddress ipv4(uint32_t value) { return IpAddress({0, 0, kMapped, value}); }  // 10.0.0.1: 0x0a000001
  static constexpr IpAddress unspecified(IpFamily family) {
    return family == IpFamily::kIPv4 ? IpAddress() : IpAddress({0, 0, 0, 0});
  }

  // A dotted quad without leading zeros, or RFC 4291 section 2.2.
  static std::optional<IpAddress> parse(std::string_view text);
  // 4 or 16 bytes in network order; nothing for any other number of them.
  static std::optional<IpAddress> fromBytes(std::string_view bytes);

  std::string text() const;   // canonical: RFC 5952
  std::string bytes() const;  // 4 or 16, in network order
  constexpr IpFamily family() const {
    return words_[0] == 0 && words_[1] == 0 && words_[2] == kMapped ? IpFamily::kIPv4 : IpFamily::kIPv6;
  }
  constexpr bool isUnspecified() const {
    return words_[0] == 0 && words_[1] == 0 && (words_[2] == 0 || words_[2] == kMapped) && words_[3] == 0;
  }
  bool isLoopback() const;                          // 127.0.0.0/8, ::1
  bool isLinkLocal() const;                         // 169.254.0.0/16, fe80::/10
  uint32_t ipv4Value() const { return words_[3]; }  // REQUIRES: family() is kIPv4
  size_t hash() const;

  // The address so many further on, modulo the family's size.
  IpAddress plus(uint64_t count) const;
  // How many further on this is; nothing for one before `first`, of the other family, or 2^64 away.
  std::optional<uint64_t> minus(const IpAddress& first) const;

  auto operator<=>(const IpAddress&) const = default;

 private:
  friend class IpPrefix;
  static constexpr uint32_t kMapped = 0xffff;
  constexpr explicit IpAddress(std::array<uint32_t, 4> words) : words_(words) {}

  std::array<uint32_t, 4> words_ = {0, 0, kMapped, 0};  // the first is the most significant, in host byte order
};

class IpPrefix {
 public:
  constexpr IpPrefix() = default;  // 0.0.0.0/0
  // Host bits of `address` are cut off. REQUIRES: the address has so many bits.
  IpPrefix(const IpAddress& address, uint8_t length);
  static IpPrefix all(IpFamily family) { return {IpAddress::unspecified(family), 0}; }
  static IpPrefix single(const IpAddress& address) { return {address, addressBits(address.family())}; }

  // "10.244.0.0/16", "fd00::/64"; host bits are cut off. Nothing when it is not a prefix.
  static std::optional<IpPrefix> parse(std::string_view text);
  std::string text() const;

  const IpAddress& address() const { return address_; }  // without host bits
  uint8_t length() const { return length_; }
  IpFamily family() const { return address_.family(); }
  uint8_t hostBits() const { return static_cast<uint8_t>(addressBits(family()) - length_); }
  IpAddress last() const;
  IpAddress mask() const;
  bool contains(const IpAddress& other) const;
  bool overlaps(const IpPrefix& other) const { return contains(other.address_) || other.contains(address_); }

  auto operator<=>(const IpPrefix&) const = default;

 private:
  IpAddress address_;
  uint8_t length_ = 0;
};

// The fewest prefixes that have the addresses from `first` to `last`, and no others; in their order. None when `last`
// comes before `first` or is of the other family.
std::vector<IpPrefix> coverRange(const IpAddress& first, const IpAddress& last);

}  // namespace wherry::base
