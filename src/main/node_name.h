// The node's name when none is given. Pure.
#pragma once

#include <string>
#include <string_view>

namespace wherry::main {

// The host's name as a Node can have it (a lowercase RFC 1123 subdomain): "My_Host" is "my-host".
std::string nodeNameOf(std::string_view hostName);

}  // namespace wherry::main
