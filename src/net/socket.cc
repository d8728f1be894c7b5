#include "net/socket.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <system_error>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace wherry::net {
namespace {

constexpr int kSocketFlags = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
constexpr int kBacklog = 1024;

struct AddrinfoDeleter {
  void operator()(addrinfo* info) const { ::freeaddrinfo(info); }
};
using AddrinfoPtr = std::unique_ptr<addrinfo, AddrinfoDeleter>;

std::string describe(const Endpoint& endpoint) {
  if (!endpoint.unixPath.empty()) return endpoint.unixPath;
  bool v6 = endpoint.host.find(':') != std::string::npos;
  return fmt::format(fmt::runtime(v6 ? "[{}]:{}" : "{}:{}"), endpoint.host, endpoint.port);
}

AddrinfoPtr lookUp(const Endpoint& endpoint, int flags) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = flags | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  std::string port = std::to_string(endpoint.port);
  int error = ::getaddrinfo(endpoint.host.c_str(), port.c_str(), &hints, &found);
  if (error != 0) {
    throw std::system_error(EHOSTUNREACH, std::generic_category(), describe(endpoint) + ": " + ::gai_strerror(error));
  }
  return AddrinfoPtr(found);
}

sockaddr_un unixAddress(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    throw std::system_error(ENAMETOOLONG, std::generic_category(), path);
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

void setOption(int fd, int level, int option, int value) { ::setsockopt(fd, level, option, &value, sizeof value); }

// A peer that vanished is noticed by the kernel after 30 + 3 * 10 seconds: nothing of ours has to tick for it.
void setTcpOptions(int fd) {
  setOption(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  setOption(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  setOption(fd, IPPROTO_TCP, TCP_KEEPIDLE, 30);
  setOption(fd, IPPROTO_TCP, TCP_KEEPINTVL, 10);
  setOption(fd, IPPROTO_TCP, TCP_KEEPCNT, 3);
}

base::Fd newUnixSocket() {
  base::Fd fd(::socket(AF_UNIX, kSocketFlags, 0));
  if (!fd) base::throwErrno("socket");
  return fd;
}

// A socket file outlives the process that made it: the name is free when nobody answers behind it.
bool isAnswered(const std::string& path) {
  sockaddr_un address = unixAddress(path);
  base::Fd probe = newUnixSocket();
  return ::connect(probe.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
}

// Made under another name and renamed, so that whoever sees it may connect, and nobody else ever could.
base::Fd listenOnUnix(const std::string& path) {
  if (isAnswered(path)) throw std::system_error(EADDRINUSE, std::generic_category(), "bind " + path);
  std::string temporary = path + ".new";
  ::unlink(temporary.c_str());
  sockaddr_un address = unixAddress(temporary);
  base::Fd fd = newUnixSocket();
  if (::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) base::throwErrno("bind " + path);
  if (::chmod(temporary.c_str(), 0600) != 0) base::throwErrno("chmod " + path);
  if (::listen(fd.get(), kBacklog) != 0) base::throwErrno("listen " + path);
  if (::rename(temporary.c_str(), path.c_str()) != 0) base::throwErrno("rename " + path);
  return fd;
}

void readAddress(const sockaddr_storage& address, Peer& peer) {
  char text[INET6_ADDRSTRLEN] = "";
  if (address.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
    ::inet_ntop(AF_INET, &v4.sin_addr, text, sizeof text);
    peer.port = ntohs(v4.sin_port);
  } else if (address.ss_family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
    ::inet_ntop(AF_INET6, &v6.sin6_addr, text, sizeof text);
    peer.port = ntohs(v6.sin6_port);
  }
  peer.address = text;
  // A v4 client of a socket that listens on both.
  if (peer.address.starts_with("::ffff:")) peer.address.erase(0, 7);
}

}  // namespace

base::Fd listenOn(const Endpoint& endpoint) {
  if (!endpoint.unixPath.empty()) return listenOnUnix(endpoint.unixPath);
  AddrinfoPtr address = lookUp(endpoint, AI_NUMERICHOST | AI_PASSIVE);
  base::Fd fd(::socket(address->ai_family, kSocketFlags, 0));
  if (!fd) base::throwErrno("socket");
  setOption(fd.get(), SOL_SOCKET, SO_REUSEADDR, 1);
  if (::bind(fd.get(), address->ai_addr, address->ai_addrlen) != 0) base::throwErrno("bind " + describe(endpoint));
  if (::listen(fd.get(), kBacklog) != 0) base::throwErrno("listen " + describe(endpoint));
  return fd;
}

uint16_t boundPort(int fd) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) base::throwErrno("getsockname");
  Peer self;
  readAddress(address, self);
  return self.port;
}

std::vector<Endpoint> resolve(const Endpoint& endpoint) {
  if (!endpoint.unixPath.empty()) return {endpoint};
  std::vector<Endpoint> found;
  AddrinfoPtr first = lookUp(endpoint, 0);
  for (const addrinfo* info = first.get(); info != nullptr; info = info->ai_next) {
    sockaddr_storage address{};
    std::memcpy(&address, info->ai_addr, info->ai_addrlen);
    Peer peer;
    readAddress(address, peer);
    found.push_back({peer.address, endpoint.port, ""});
  }
  return found;
}

base::Fd beginConnect(const Endpoint& endpoint) {
  if (!endpoint.unixPath.empty()) {
    sockaddr_un address = unixAddress(endpoint.unixPath);
    base::Fd fd = newUnixSocket();
    if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
      base::throwErrno("connect " + endpoint.unixPath);
    }
    return fd;
  }
  AddrinfoPtr address = lookUp(endpoint, AI_NUMERICHOST);
  base::Fd fd(::socket(address->ai_family, kSocketFlags, 0));
  if (!fd) base::throwErrno("socket");
  setTcpOptions(fd.get());
  if (::connect(fd.get(), address->ai_addr, address->ai_addrlen) != 0 && errno != EINPROGRESS) {
    base::throwErrno("connect " + describe(endpoint));
  }
  return fd;
}

int connectError(int fd) {
  int error = 0;
  socklen_t size = sizeof error;
  ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
  return error;
}

base::Fd acceptFrom(int listener, Peer& peer) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  base::Fd fd(::accept4(listener, reinterpret_cast<sockaddr*>(&address), &size, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (!fd) return fd;
  readAddress(address, peer);
  if (address.ss_family != AF_UNIX) setTcpOptions(fd.get());
  return fd;
}

}  // namespace wherry::net
