// Sockets in scratch namespaces, for the tests that send through the kernel's rules.
#pragma once

#include <cerrno>
#include <string>

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "base/ip_address.h"
#include "linux/scratch_namespace.h"

namespace wherry::linux {

inline base::IpAddress ip(const char* text) { return *base::IpAddress::parse(text); }

// An address and a port of either family, as the socket calls take it.
struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
};
inline SocketAddress address(const char* text, uint16_t port) {
  SocketAddress out;
  base::IpAddress parsed = ip(text);
  if (parsed.family() == base::IpFamily::kIPv4) {
    auto& own = reinterpret_cast<sockaddr_in&>(out.storage);
    own = {.sin_family = AF_INET, .sin_port = htons(port)};
    own.sin_addr.s_addr = htonl(parsed.ipv4Value());
    out.size = sizeof own;
  } else {
    auto& own = reinterpret_cast<sockaddr_in6&>(out.storage);
    own = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    parsed.bytes().copy(reinterpret_cast<char*>(&own.sin6_addr), sizeof own.sin6_addr);
    out.size = sizeof own;
  }
  return out;
}
inline sockaddr* generic(SocketAddress& value) { return reinterpret_cast<sockaddr*>(&value.storage); }
inline int familyAt(const char* text) { return ip(text).family() == base::IpFamily::kIPv4 ? AF_INET : AF_INET6; }

inline base::Fd listenIn(const ScratchNamespace& where, int type, const char* at, uint16_t port) {
  base::Fd fd;
  where.run([&] {
    fd.reset(::socket(familyAt(at), type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    SocketAddress own = address(at, port);
    int on = 1;
    ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    EXPECT_EQ(::bind(fd.get(), generic(own), own.size), 0) << errno;
    if (type == SOCK_STREAM) {
      EXPECT_EQ(::listen(fd.get(), 64), 0);
    }
  });
  return fd;
}

inline base::Fd socketIn(const ScratchNamespace& where, int type, int family = AF_INET) {
  base::Fd fd;
  where.run([&] {
    fd.reset(::socket(family, type | SOCK_CLOEXEC, 0));
    timeval patience{.tv_sec = 2};
    ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  });
  return fd;
}

// 0, or why the connection failed.
inline int connectFrom(const ScratchNamespace& where, const char* to, uint16_t port) {
  base::Fd fd = socketIn(where, SOCK_STREAM, familyAt(to));
  SocketAddress target = address(to, port);
  return ::connect(fd.get(), generic(target), target.size) == 0 ? 0 : errno;
}

// A connection under an address that the namespace has not (IP_TRANSPARENT), and `error`: 0, or why it failed.
inline base::Fd connectAs(const ScratchNamespace& where, const char* source, const char* to, uint16_t port,
                          int& error) {
  const bool isV4 = familyAt(to) == AF_INET;
  base::Fd fd = socketIn(where, SOCK_STREAM, familyAt(to));
  SocketAddress own = address(source, 0), target = address(to, port);
  int on = 1;
  EXPECT_EQ(::setsockopt(fd.get(), isV4 ? SOL_IP : SOL_IPV6, isV4 ? IP_TRANSPARENT : IPV6_TRANSPARENT, &on, sizeof on),
            0);
  EXPECT_EQ(::bind(fd.get(), generic(own), own.size), 0) << errno;
  error = ::connect(fd.get(), generic(target), target.size) == 0 ? 0 : errno;
  return fd;
}

// Who has connected to `listener` ("10.244.0.1"), "" when nobody has.
inline std::string accepted(const base::Fd& listener) {
  SocketAddress peer;
  base::Fd connection(::accept4(listener.get(), generic(peer), &peer.size, SOCK_CLOEXEC));
  if (!connection) return "";
  if (peer.storage.ss_family == AF_INET) {
    return base::IpAddress::ipv4(ntohl(reinterpret_cast<sockaddr_in&>(peer.storage).sin_addr.s_addr)).text();
  }
  auto& own = reinterpret_cast<sockaddr_in6&>(peer.storage);
  return base::IpAddress::fromBytes({reinterpret_cast<char*>(&own.sin6_addr), sizeof own.sin6_addr})->text();
}

inline bool received(const base::Fd& socket) {
  pollfd waiting{socket.get(), POLLIN, 0};
  char byte;
  return ::poll(&waiting, 1, 1000) == 1 && ::recv(socket.get(), &byte, 1, MSG_DONTWAIT) == 1;
}

}  // namespace wherry::linux
