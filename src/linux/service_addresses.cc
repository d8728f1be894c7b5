#include "linux/service_addresses.h"

#include <cerrno>

#include <linux/netlink.h>

namespace wherry::linux {
namespace {

constexpr const char* kLabel = "lo:wherry";
constexpr uint8_t kProtocol = 0x77;

int loopbackIndex(NetlinkSocket& socket) {
  auto loopback = findLink(socket, "lo");
  if (!loopback) NetlinkResult{.error = ENODEV}.check("find link lo");
  return loopback->index;
}

InterfaceAddress onItsLink(NetlinkSocket& socket, const ServiceAddress& service) {
  InterfaceAddress address{.index = service.link, .address = service.address, .global = false};
  if (service.link == 0) {
    address.index = loopbackIndex(socket);
    address.label = kLabel;
  } else {
    address.protocol = kProtocol;
  }
  return address;
}

}  // namespace

bool isServiceAddress(const InterfaceAddress& address) {
  return address.label == kLabel || address.protocol == kProtocol;
}

std::set<ServiceAddress> listServiceAddresses() {
  NetlinkSocket socket(NETLINK_ROUTE);
  std::set<ServiceAddress> addresses;
  for (const InterfaceAddress& address : listAddresses(socket)) {
    if (isServiceAddress(address)) addresses.insert({address.address, address.label.empty() ? address.index : 0});
  }
  return addresses;
}

void addServiceAddress(const ServiceAddress& address) {
  NetlinkSocket socket(NETLINK_ROUTE);
  addAddress(socket, onItsLink(socket, address));
}

void removeServiceAddress(const ServiceAddress& address) {
  NetlinkSocket socket(NETLINK_ROUTE);
  removeAddress(socket, onItsLink(socket, address));
}

}  // namespace wherry::linux
