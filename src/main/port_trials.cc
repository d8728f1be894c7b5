#include "main/port_trials.h"

#include <cerrno>
#include <cstring>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "linux/listeners.h"

namespace wherry::main {
namespace {

using linux::Transport;

// With the options of the sockets that the server itself makes; the error, or nothing.
std::string tryListen(const std::string& address, uint16_t port, Transport transport) {
  bool v6 = address.find(':') != std::string::npos;
  bool tcp = transport == Transport::kTcp;
  base::Fd fd(::socket(v6 ? AF_INET6 : AF_INET, (tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC, 0));
  if (!fd) return std::strerror(errno);
  int on = 1;
  ::setsockopt(fd.get(), SOL_SOCKET, tcp ? SO_REUSEADDR : SO_REUSEPORT, &on, sizeof on);
  // The cluster DNS address is not there before the first start.
  if (port == 53)
    ::setsockopt(fd.get(), v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? IPV6_FREEBIND : IP_FREEBIND, &on, sizeof on);
  sockaddr_storage storage{};
  socklen_t size = 0;
  if (v6) {
    auto* in6 = reinterpret_cast<sockaddr_in6*>(&storage);
    *in6 = {.sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_flowinfo = 0, .sin6_addr = {}, .sin6_scope_id = 0};
    ::inet_pton(AF_INET6, address.c_str(), &in6->sin6_addr);
    size = sizeof *in6;
  } else {
    auto* in = reinterpret_cast<sockaddr_in*>(&storage);
    *in = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {}, .sin_zero = {}};
    ::inet_pton(AF_INET, address.c_str(), &in->sin_addr);
    size = sizeof *in;
  }
  if (::bind(fd.get(), reinterpret_cast<sockaddr*>(&storage), size) != 0) return std::strerror(errno);
  if (tcp && ::listen(fd.get(), 1) != 0) return std::strerror(errno);
  return {};
}

PortFacts tryPort(const char* what, const std::string& address, uint16_t port, Transport transport) {
  PortFacts facts{.what = what,
                  .address = fmt::format("{}:{}/{}", address, port, transport == Transport::kTcp ? "tcp" : "udp"),
                  .failure = tryListen(address, port, transport),
                  .holder = {}};
  if (!facts.failure.empty()) facts.holder = linux::findHolder(transport, port);
  return facts;
}

}  // namespace

std::vector<PortFacts> tryPorts(const ServerOptions& options) {
  std::vector<PortFacts> ports{tryPort("API", options.bindAddress, options.port, Transport::kTcp)};
  if (options.enabled("dns") && ::geteuid() == 0) {
    ports.push_back(tryPort("DNS", options.clusterDns, 53, Transport::kUdp));
    ports.push_back(tryPort("DNS", options.clusterDns, 53, Transport::kTcp));
  }
  return ports;
}

}  // namespace wherry::main
