// The Date field of answers (RFC 9110 section 6.6.1).
#pragma once

#include <string_view>

namespace wherry::net {

// "Tue, 15 Nov 1994 08:12:31 GMT", made once a second. Valid until the calling thread calls it again.
std::string_view currentDate();

}  // namespace wherry::net
