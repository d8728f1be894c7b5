#include "linux/service_addresses.h"

#include <cerrno>

#include <linux/netlink.h>

namespace wherry::linux {
namespace {

constexpr const char* kLabel = "lo:wherry";

// Scope link: the node takes none of them as the source of a connection of its own.
InterfaceAddress onLoopback(NetlinkSocket& socket, base::IpAddress address) {
  auto loopback = findLink(socket, "lo");
  if (!loopback) NetlinkResult{.error = ENODEV}.check("find link lo");
  return {.index = loopback->index, .address = address, .global = false, .label = kLabel};
}

}  // namespace

bool isServiceAddress(const InterfaceAddress& address) { return address.label == kLabel; }

std::set<base::IpAddress> listServiceAddresses() {
  NetlinkSocket socket(NETLINK_ROUTE);
  std::set<base::IpAddress> addresses;
  for (const InterfaceAddress& address : listAddresses(socket)) {
    bool isV4 = address.address.family() == base::IpFamily::kIPv4;
    if (isV4 && isServiceAddress(address)) addresses.insert(address.address);
  }
  return addresses;
}

void addServiceAddress(base::IpAddress address) {
  NetlinkSocket socket(NETLINK_ROUTE);
  addAddress(socket, onLoopback(socket, address));
}

void removeServiceAddress(base::IpAddress address) {
  NetlinkSocket socket(NETLINK_ROUTE);
  removeAddress(socket, onLoopback(socket, address));
}

}  // namespace wherry::linux
