#include "base/ip_address.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/ip.h"
#include "base/strings.h"

namespace wherry::base {
namespace {

constexpr size_t kIpv4Bytes = 4;
constexpr size_t kIpv6Bytes = 16;
constexpr unsigned kWordBits = 32;

uint32_t wordAt(std::string_view bytes, size_t at) {
  uint32_t word = 0;
  for (size_t i = 0; i < sizeof word; ++i) word = word << 8 | static_cast<unsigned char>(bytes[at + i]);
  return word;
}

// The leading bits of the n-th word that a mask of so many bits has.
constexpr uint32_t maskWord(unsigned bits, size_t n) {
  unsigned before = static_cast<unsigned>(n) * kWordBits;
  unsigned own = bits <= before ? 0 : std::min(bits - before, kWordBits);
  return own == 0 ? 0 : ~uint32_t{0} << (kWordBits - own);
}

// Of all 128 bits: an IPv4 address has 96 before its own.
unsigned wholeLength(IpFamily family, uint8_t length) {
  return static_cast<unsigned>(length) + (family == IpFamily::kIPv4 ? 96 : 0);
}

}  // namespace

const char* familyName(IpFamily family) { return family == IpFamily::kIPv4 ? "IPv4" : "IPv6"; }

std::optional<IpAddress> IpAddress::fromBytes(std::string_view bytes) {
  if (bytes.size() == kIpv4Bytes) return ipv4(wordAt(bytes, 0));
  if (bytes.size() != kIpv6Bytes) return std::nullopt;
  IpAddress address({wordAt(bytes, 0), wordAt(bytes, 4), wordAt(bytes, 8), wordAt(bytes, 12)});
  if (address.family() == IpFamily::kIPv4) return std::nullopt;
  return address;
}

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
  auto bytes = parseIp(text);
  return bytes ? fromBytes(*bytes) : std::nullopt;
}

std::string IpAddress::bytes() const {
  std::string bytes;
  for (size_t n = family() == IpFamily::kIPv4 ? 3 : 0; n < words_.size(); ++n) {
    for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(words_[n] >> shift & 255);
  }
  return bytes;
}

std::string IpAddress::text() const {
  if (family() == IpFamily::kIPv6) return formatIp(bytes());
  uint32_t value = words_[3];
  return fmt::format("{}.{}.{}.{}", value >> 24, (value >> 16) & 255, (value >> 8) & 255, value & 255);
}

bool IpAddress::isLoopback() const {
  if (family() == IpFamily::kIPv4) return words_[3] >> 24 == 127;
  return *this == IpAddress({0, 0, 0, 1});
}

bool IpAddress::isLinkLocal() const {
  if (family() == IpFamily::kIPv4) return words_[3] >> 16 == 0xa9fe;
  return words_[0] >> 22 == 0xfe80 >> 6;
}

size_t IpAddress::hash() const {
  constexpr uint64_t kGolden = 0x9e3779b97f4a7c15U;
  uint64_t high = uint64_t{words_[0]} << 32 | words_[1], low = uint64_t{words_[2]} << 32 | words_[3];
  return static_cast<size_t>((high * kGolden ^ low) * kGolden >> 7);
}

IpAddress IpAddress::plus(uint64_t count) const {
  if (family() == IpFamily::kIPv4) return ipv4(words_[3] + static_cast<uint32_t>(count));
  uint64_t high = uint64_t{words_[0]} << 32 | words_[1], low = uint64_t{words_[2]} << 32 | words_[3];
  uint64_t sum = low + count;
  high += sum < low ? 1 : 0;
  return IpAddress({static_cast<uint32_t>(high >> 32), static_cast<uint32_t>(high), static_cast<uint32_t>(sum >> 32),
                    static_cast<uint32_t>(sum)});
}

std::optional<uint64_t> IpAddress::minus(const IpAddress& first) const {
  if (*this < first || family() != first.family()) return std::nullopt;
  uint64_t low = uint64_t{words_[2]} << 32 | words_[3], firstLow = uint64_t{first.words_[2]} << 32 | first.words_[3];
  uint64_t high = uint64_t{words_[0]} << 32 | words_[1], firstHigh = uint64_t{first.words_[0]} << 32 | first.words_[1];
  uint64_t highs = high - firstHigh - (low < firstLow ? 1 : 0);
  if (highs != 0) return std::nullopt;
  return low - firstLow;
}

IpPrefix::IpPrefix(const IpAddress& address, uint8_t length) : address_(address), length_(length) {
  unsigned bits = wholeLength(address.family(), length);
  for (size_t n = 0; n < address_.words_.size(); ++n) address_.words_[n] &= maskWord(bits, n);
}

std::optional<IpPrefix> IpPrefix::parse(std::string_view text) {
  auto parts = splitOnce(text, '/');
  if (!parts) return std::nullopt;
  auto address = IpAddress::parse(parts->first);
  auto length = parseInt<unsigned>(parts->second);
  if (!address || !length || *length > addressBits(address->family())) return std::nullopt;
  return IpPrefix(*address, static_cast<uint8_t>(*length));
}

std::string IpPrefix::text() const { return fmt::format("{}/{}", address_.text(), length_); }

IpAddress IpPrefix::last() const {
  unsigned bits = wholeLength(family(), length_);
  IpAddress last = address_;
  for (size_t n = 0; n < last.words_.size(); ++n) last.words_[n] |= ~maskWord(bits, n);
  return last;
}

IpAddress IpPrefix::mask() const {
  IpAddress mask = IpAddress::unspecified(family());
  unsigned bits = wholeLength(family(), length_);
  for (size_t n = family() == IpFamily::kIPv4 ? 3 : 0; n < mask.words_.size(); ++n) mask.words_[n] = maskWord(bits, n);
  return mask;
}

bool IpPrefix::contains(const IpAddress& other) const {
  if (other.family() != family()) return false;
  unsigned bits = wholeLength(family(), length_);
  for (size_t n = 0; n < address_.words_.size(); ++n) {
    if ((other.words_[n] & maskWord(bits, n)) != address_.words_[n]) return false;
  }
  return true;
}

std::vector<IpPrefix> coverRange(const IpAddress& first, const IpAddress& last) {
  std::vector<IpPrefix> prefixes;
  if (first.family() != last.family() || last < first) return prefixes;
  for (IpAddress next = first;; next = prefixes.back().last().plus(1)) {
    uint8_t length = addressBits(next.family());
    const auto fits = [&](const IpPrefix& prefix) { return prefix.address() == next && prefix.last() <= last; };
    while (length > 0 && fits({next, static_cast<uint8_t>(length - 1)})) --length;
    prefixes.emplace_back(next, length);
    if (prefixes.back().last() == last) return prefixes;
  }
}

}  // namespace wherry::base
