// An address and port as the kernel takes it, v4 or v6. Plain value.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <netinet/in.h>
#include <sys/socket.h>

#include "base/fd.h"

namespace wherry::clusterdns {

enum class Transport { kUdp, kTcp };

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;

  // REQUIRES: `ip` is an address.
  static SocketAddress of(const std::string& ip, uint16_t port);
  // The bytes of the address alone, 4 or 16 in network order.
  std::string_view bytes() const;
  int family() const { return storage.ss_family; }
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
};

// A bound socket, non-blocking; the address need not be there yet. Throws std::system_error
// ("bind 10.96.0.10:53: Address already in use").
base::Fd bindSocket(const std::string& ip, uint16_t port, int type);

}  // namespace wherry::clusterdns
