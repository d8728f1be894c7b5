// Text from programs that may write anything, made fit for JSON. Pure.
#pragma once

#include <string>
#include <string_view>

namespace wherry::base {

// `bytes` with U+FFFD for each byte that is not part of well-formed UTF-8 (RFC 3629).
std::string toUtf8(std::string_view bytes);

}  // namespace wherry::base
