#include "clusterdns/socket_address.h"

#include <cstring>

#include <arpa/inet.h>
#include <fmt/format.h>

#include "dns/record.h"

namespace wherry::clusterdns {
namespace {

void setOption(int fd, int level, int option) {
  int on = 1;
  if (::setsockopt(fd, level, option, &on, sizeof on) != 0) base::throwErrno("setsockopt");
}

}  // namespace

SocketAddress SocketAddress::of(const std::string& ip, uint16_t port) {
  SocketAddress out;
  std::string bytes = dns::parseAddress(ip).value_or(std::string(4, '\0'));
  if (bytes.size() == 4) {
    auto* in = reinterpret_cast<sockaddr_in*>(&out.storage);
    in->sin_family = AF_INET;
    in->sin_port = htons(port);
    std::memcpy(&in->sin_addr, bytes.data(), bytes.size());
    out.size = sizeof *in;
  } else {
    auto* in6 = reinterpret_cast<sockaddr_in6*>(&out.storage);
    in6->sin6_family = AF_INET6;
    in6->sin6_port = htons(port);
    std::memcpy(&in6->sin6_addr, bytes.data(), bytes.size());
    out.size = sizeof *in6;
  }
  return out;
}

std::string_view SocketAddress::bytes() const {
  if (family() == AF_INET) {
    return {reinterpret_cast<const char*>(&reinterpret_cast<const sockaddr_in*>(&storage)->sin_addr), 4};
  }
  return {reinterpret_cast<const char*>(&reinterpret_cast<const sockaddr_in6*>(&storage)->sin6_addr), 16};
}

base::Fd bindSocket(const std::string& ip, uint16_t port, int type) {
  SocketAddress address = SocketAddress::of(ip, port);
  base::Fd fd(::socket(address.family(), type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) base::throwErrno("socket");
  // Datagram sockets of all threads share the port; a listener may come back while old connections linger.
  setOption(fd.get(), SOL_SOCKET, type == SOCK_DGRAM ? SO_REUSEPORT : SO_REUSEADDR);
  setOption(fd.get(), address.family() == AF_INET ? IPPROTO_IP : IPPROTO_IPV6,
            address.family() == AF_INET ? IP_FREEBIND : IPV6_FREEBIND);
  if (::bind(fd.get(), address.get(), address.size) != 0) base::throwErrno(fmt::format("bind {}:{}", ip, port));
  return fd;
}

}  // namespace wherry::clusterdns
