#include "apiserver/admission/addresses.h"

#include "base/ip.h"
#include "base/strings.h"

namespace wherry::apiserver {
namespace {

// Network byte order, 4 or 16 bytes; "" when `text` is no address.
std::string bytesOf(std::string_view text) { return base::parseIp(text).value_or(""); }

bool sameBits(std::string_view a, std::string_view b, unsigned count) {
  for (unsigned bit = 0; bit < count; ++bit) {
    unsigned mask = 0x80u >> (bit % 8);
    if ((static_cast<unsigned char>(a[bit / 8]) ^ static_cast<unsigned char>(b[bit / 8])) & mask) return false;
  }
  return true;
}

struct Range {
  const char* address;
  unsigned length;
  const char* why;
};

constexpr Range kUnusable[] = {
    {"0.0.0.0", 32, "may not be unspecified (0.0.0.0 or ::)"},
    {"::", 128, "may not be unspecified (0.0.0.0 or ::)"},
    {"127.0.0.0", 8, "may not be in the loopback range (127.0.0.0/8, ::1/128)"},
    {"::1", 128, "may not be in the loopback range (127.0.0.0/8, ::1/128)"},
    {"169.254.0.0", 16, "may not be in the link-local range (169.254.0.0/16, fe80::/10)"},
    {"fe80::", 10, "may not be in the link-local range (169.254.0.0/16, fe80::/10)"},
    {"224.0.0.0", 24, "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)"},
    {"ff02::", 16, "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)"},
};

}  // namespace

std::optional<IpFamily> familyOf(std::string_view text) {
  std::string bytes = bytesOf(text);
  if (bytes.empty()) return std::nullopt;
  return bytes.size() == 4 ? IpFamily::kIPv4 : IpFamily::kIPv6;
}

std::vector<std::string> checkUsableIp(std::string_view text) {
  std::string bytes = bytesOf(text);
  for (const Range& range : kUnusable) {
    std::string first = bytesOf(range.address);
    if (first.size() == bytes.size() && sameBits(first, bytes, range.length)) return {range.why};
  }
  return {};
}

std::optional<IpPrefix> IpPrefix::parse(std::string_view text) {
  auto parts = base::splitOnce(text, '/');
  auto length = parts ? base::parseInt<unsigned>(parts->second) : std::nullopt;
  if (!length) return std::nullopt;
  IpPrefix prefix;
  prefix.bytes_ = bytesOf(parts->first);
  prefix.length_ = *length;
  prefix.family_ = prefix.bytes_.size() == 4 ? IpFamily::kIPv4 : IpFamily::kIPv6;
  if (prefix.bytes_.empty() || *length > prefix.bytes_.size() * 8) return std::nullopt;
  return prefix;
}

bool IpPrefix::strictlyContains(const IpPrefix& other) const {
  return family_ == other.family_ && other.length_ > length_ && sameBits(bytes_, other.bytes_, length_);
}

}  // namespace wherry::apiserver
