#include "main/socket_target.h"

#include <cstring>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>

#include "base/ip.h"
#include "base/strings.h"

namespace wherry::main {

std::optional<SocketTarget> parseTarget(std::string_view text) {
  size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  std::string_view host = text.substr(0, colon);
  auto port = base::parseInt<uint16_t>(text.substr(colon + 1));
  bool bracketed = host.starts_with('[') && host.ends_with(']');
  if (bracketed) host = host.substr(1, host.size() - 2);
  auto address = base::parseIp(host);
  if (!address || !port || *port == 0 || bracketed != (address->size() == 16)) return std::nullopt;
  SocketTarget target;
  if (bracketed) {
    sockaddr_in6 in6{};
    in6.sin6_family = AF_INET6;
    in6.sin6_port = htons(*port);
    std::memcpy(&in6.sin6_addr, address->data(), address->size());
    std::memcpy(&target.storage, &in6, target.size = sizeof in6);
  } else {
    sockaddr_in in{};
    in.sin_family = AF_INET;
    in.sin_port = htons(*port);
    std::memcpy(&in.sin_addr, address->data(), address->size());
    std::memcpy(&target.storage, &in, target.size = sizeof in);
  }
  return target;
}

std::string targetText(std::string_view address, int port) {
  bool v6 = address.find(':') != std::string_view::npos;
  return v6 ? fmt::format("[{}]:{}", address, port) : fmt::format("{}:{}", address, port);
}

}  // namespace wherry::main
