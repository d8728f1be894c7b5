// What carries certain packet marks is delivered to this node, whatever address it is for: by rules of policy routing
// (ip-rule(8)), and a routing table with nothing but that. As links.h: in the socket's namespace, std::system_error,
// idempotent.
#pragma once

#include <cstdint>
#include <functional>
#include <thread>

#include "base/fd.h"
#include "base/ip_address.h"
#include "linux/netlink_socket.h"

namespace wherry::linux {

// A connection that a program of the node makes under a client's address (IP_TRANSPARENT, ip(7)), and a packet that a
// pod of this node answers it with.
inline constexpr uint32_t kClientAddressMark = 0x77680002;
// A packet that somebody else answers it with.
inline constexpr uint32_t kClientAddressElsewhereMark = 0x77680004;

// Delivers packets with the first mark that come from `pods`, and all with the other one. By their source: where the
// kernel looks at marks when it asks whether a source is where it should be (src_valid_mark, which VPNs set), the way
// to the pod is another than the one for its packets.
void deliverMarked(NetlinkSocket& socket, const base::IpPrefix& pods);
void stopDeliveringMarked(NetlinkSocket& socket, base::IpFamily family);

// Tells when somebody has removed one of these rules: what configures a network when it starts does that with all that
// it does not know. It listens to the kernel's notifications, of the network namespace of the thread that makes it.
class DeliveryWatch {
 public:
  // Calls `gone` on a thread of its own. Throws std::system_error.
  explicit DeliveryWatch(std::function<void()> gone);
  ~DeliveryWatch();
  DeliveryWatch(const DeliveryWatch&) = delete;
  DeliveryWatch& operator=(const DeliveryWatch&) = delete;

 private:
  base::Pipe wake_;
  std::jthread thread_;
};

}  // namespace wherry::linux
