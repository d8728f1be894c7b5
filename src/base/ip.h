// IP addresses as texts. Pure; safe from any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace wherry::base {

// "10.1.2.3" is 4 bytes, "fd00::1" 16 (RFC 4291 section 2.2), in network order; nothing for anything else, a text with
// a NUL in it included.
std::optional<std::string> parseIp(std::string_view text);

// The canonical text (RFC 5952) of 4 or 16 bytes in network order; "" for any other number of them.
std::string formatIp(std::string_view bytes);

}  // namespace wherry::base
