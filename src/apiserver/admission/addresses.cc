#include "apiserver/admission/addresses.h"

#include <fmt/format.h>

namespace wherry::apiserver {
namespace {

using base::IpAddress;
using base::IpFamily;
using base::IpPrefix;

struct Range {
  const char* prefix;
  const char* why;
};

constexpr Range kUnusable[] = {
    {"0.0.0.0/32", "may not be unspecified (0.0.0.0 or ::)"},
    {"::/128", "may not be unspecified (0.0.0.0 or ::)"},
    {"127.0.0.0/8", "may not be in the loopback range (127.0.0.0/8, ::1/128)"},
    {"::1/128", "may not be in the loopback range (127.0.0.0/8, ::1/128)"},
    {"169.254.0.0/16", "may not be in the link-local range (169.254.0.0/16, fe80::/10)"},
    {"fe80::/10", "may not be in the link-local range (169.254.0.0/16, fe80::/10)"},
    {"224.0.0.0/24", "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)"},
    {"ff02::/16", "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)"},
};

}  // namespace

std::optional<IpFamily> familyOf(std::string_view text) {
  auto ip = IpAddress::parse(text);
  return ip ? std::optional(ip->family()) : std::nullopt;
}

std::vector<std::string> checkUsableIp(std::string_view text) {
  auto ip = IpAddress::parse(text);
  for (const Range& range : kUnusable) {
    if (ip && IpPrefix::parse(range.prefix)->contains(*ip)) return {range.why};
  }
  return {};
}

std::string warningForIp(std::string_view field, std::string_view text) {
  auto ip = IpAddress::parse(text);
  if (!ip || ip->text() == text) return "";
  return fmt::format("{}: IPv6 address \"{}\" should be in RFC 5952 canonical format (\"{}\")", field, text,
                     ip->text());
}

std::string warningForCidr(std::string_view field, std::string_view text) {
  auto prefix = IpPrefix::parse(text);
  if (!prefix || prefix->family() == IpFamily::kIPv4 || prefix->text() == text) return "";
  return fmt::format("{}: IPv6 CIDR value \"{}\" should be in RFC 5952 canonical format (\"{}\")", field, text,
                     prefix->text());
}

bool strictlyContains(const IpPrefix& outer, const IpPrefix& inner) {
  return inner.length() > outer.length() && outer.contains(inner.address());
}

}  // namespace wherry::apiserver
