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
#include "linux/ipv4.h"
#include "linux/scratch_namespace.h"

namespace wherry::proxy {

inline linux::Ipv4Address ip(const char* text) { return *linux::Ipv4Address::parse(text); }
inline sockaddr_in address(const char* text, uint16_t port) {
  sockaddr_in out{.sin_family = AF_INET, .sin_port = htons(port)};
  out.sin_addr.s_addr = ip(text).networkOrder();
  return out;
}
template <typename T>
sockaddr* generic(T& value) {
  return reinterpret_cast<sockaddr*>(&value);
}

inline base::Fd listenIn(const linux::ScratchNamespace& where, int type, const char* at, uint16_t port) {
  base::Fd fd;
  where.run([&] {
    fd.reset(::socket(AF_INET, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    sockaddr_in own = address(at, port);
    int on = 1;
    ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    EXPECT_EQ(::bind(fd.get(), generic(own), sizeof own), 0) << errno;
    if (type == SOCK_STREAM) {
      EXPECT_EQ(::listen(fd.get(), 64), 0);
    }
  });
  return fd;
}

inline base::Fd socketIn(const linux::ScratchNamespace& where, int type) {
  base::Fd fd;
  where.run([&] {
    fd.reset(::socket(AF_INET, type | SOCK_CLOEXEC, 0));
    timeval patience{.tv_sec = 2};
    ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  });
  return fd;
}

// 0, or why the connection failed.
inline int connectFrom(const linux::ScratchNamespace& where, const char* to, uint16_t port) {
  base::Fd fd = socketIn(where, SOCK_STREAM);
  sockaddr_in target = address(to, port);
  return ::connect(fd.get(), generic(target), sizeof target) == 0 ? 0 : errno;
}

// Who has connected to `listener` ("10.244.0.1"), "" when nobody has.
inline std::string accepted(const base::Fd& listener) {
  sockaddr_in peer{};
  socklen_t size = sizeof peer;
  base::Fd connection(::accept4(listener.get(), generic(peer), &size, SOCK_CLOEXEC));
  return connection ? linux::Ipv4Address::fromNetworkOrder(peer.sin_addr.s_addr).text() : "";
}

inline bool received(const base::Fd& socket) {
  pollfd waiting{socket.get(), POLLIN, 0};
  char byte;
  return ::poll(&waiting, 1, 1000) == 1 && ::recv(socket.get(), &byte, 1, MSG_DONTWAIT) == 1;
}

}  // namespace wherry::proxy
