// Rules for the IP addresses that objects name. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace wherry::apiserver {

enum class IpFamily { kIPv4, kIPv6 };

// Nothing when `text` is no IP address.
std::optional<IpFamily> familyOf(std::string_view text);

// What keeps traffic from reaching an address from elsewhere: unspecified, loopback, link-local. `text` is an IP
// address.
std::vector<std::string> checkUsableIp(std::string_view text);

// An IP prefix (CIDR, RFC 4632): "10.0.0.0/8", "fd00::/64".
class IpPrefix {
 public:
  static std::optional<IpPrefix> parse(std::string_view text);
  // Whether `other` lies in it and is smaller.
  bool strictlyContains(const IpPrefix& other) const;

 private:
  IpFamily family_ = IpFamily::kIPv4;
  std::string bytes_;  // 4 or 16
  unsigned length_ = 0;
};

}  // namespace wherry::apiserver
