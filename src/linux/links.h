// Network links, their addresses and permanent neighbours, by rtnetlink (rtnetlink(7)). Each function acts in the
// network namespace of the socket it is given (protocol NETLINK_ROUTE). Failures are std::system_error; adding what is
// there and removing what isn't are no failures.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ip_address.h"
#include "linux/netlink_socket.h"

namespace wherry::linux {

using MacAddress = std::array<uint8_t, 6>;

struct Link {
  int index = 0;
  std::string name;
  MacAddress mac{};
  uint32_t mtu = 0;
  bool up = false;
  bool operational = false;  // RFC 2863: up, and so is what it is connected to
  bool loopback = false;
  bool findsNeighbours = false;  // it carries packets, to neighbours that are found by ARP or neighbour discovery
};

std::vector<Link> listLinks(NetlinkSocket& socket);
std::optional<Link> findLink(NetlinkSocket& socket, const std::string& name);

// A veth pair with one end here and the other in another namespace.
struct VethEnd {
  std::string name;
  MacAddress mac{};
};
struct Veth {
  VethEnd here;
  VethEnd there;
  int thereNamespace = -1;  // descriptor of the other network namespace
  uint32_t mtu = 1500;
};
void addVeth(NetlinkSocket& socket, const Veth& veth);  // a name in use is a failure: EEXIST

void removeLink(NetlinkSocket& socket, const std::string& name);  // of a veth the other end goes too
void setLinkUp(NetlinkSocket& socket, int index);

// Waits until the link carries packets. The end of a veth that was set up first does so only when the kernel's link
// watch has seen the other end come up; what is sent before is lost, and a TCP handshake with it for a second. Returns
// at once when it does already; false after `atMost`. In the namespace of the calling thread.
bool waitOperational(const std::string& name, std::chrono::milliseconds atMost);

struct InterfaceAddress {
  int index = 0;  // of the link
  base::IpAddress address;
  std::optional<uint8_t> length = std::nullopt;  // of its prefix; nothing: all bits
  bool global = true;                            // false: scope link or host
  std::string label = {};                        // of IPv4: "eth0:1"; begins with the link's name, which it is
                                                 // without a label
  uint8_t protocol = 0;                          // who set it: IFA_PROTO, kept since Linux 5.18
};
// Of both families.
std::vector<InterfaceAddress> listAddresses(NetlinkSocket& socket);
// It can be used when this returns: nobody asks the link whether another has it (RFC 4862 section 5.4).
void addAddress(NetlinkSocket& socket, const InterfaceAddress& address);
void removeAddress(NetlinkSocket& socket, const InterfaceAddress& address);

// Says for good that `address` is at `mac`: nobody asks by ARP or neighbour discovery.
void setNeighbour(NetlinkSocket& socket, int index, const base::IpAddress& address, const MacAddress& mac);

// An address of the node that is on no wire, such as the cluster DNS address: alone on lo of the calling
// thread's namespace.
void addLoopbackAddress(const base::IpAddress& address);
void removeLoopbackAddress(const base::IpAddress& address);

}  // namespace wherry::linux
