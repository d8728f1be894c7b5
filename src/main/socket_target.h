// Where a socket is to connect to, out of its text.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <sys/socket.h>

namespace wherry::main {

struct SocketTarget {
  sockaddr_storage storage{};
  socklen_t size = 0;

  const sockaddr* generic() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

// "10.244.0.7:8080", "[fd00::7]:8080"; nothing for anything else.
std::optional<SocketTarget> parseTarget(std::string_view text);
// The text of an address and a port.
std::string targetText(std::string_view address, int port);

}  // namespace wherry::main
