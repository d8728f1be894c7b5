// Rules for the IP addresses that objects name. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ip_address.h"

namespace wherry::apiserver {

// Nothing when `text` is no IP address.
std::optional<base::IpFamily> familyOf(std::string_view text);

// What keeps traffic from reaching an address from elsewhere: unspecified, loopback, link-local. `text` is an IP
// address.
std::vector<std::string> checkUsableIp(std::string_view text);

// What a client is told of an address, or of a prefix, that is not written as RFC 5952 has it, though it means the
// same;
// "" when it is, or is none.
std::string warningForIp(std::string_view field, std::string_view text);
std::string warningForCidr(std::string_view field, std::string_view text);

// Whether `inner` lies in `outer` and is smaller.
bool strictlyContains(const base::IpPrefix& outer, const base::IpPrefix& inner);

}  // namespace wherry::apiserver
