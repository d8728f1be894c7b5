#include "linux/links.h"

#include <algorithm>
#include <cerrno>

#include <fmt/format.h>
#include <linux/if.h>
#include <linux/if_arp.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <sys/socket.h>

namespace wherry::linux {
namespace {

constexpr uint32_t kForever = 0xffffffff;

uint8_t kernelFamily(base::IpFamily family) { return family == base::IpFamily::kIPv4 ? AF_INET : AF_INET6; }

std::string_view macBytes(const MacAddress& mac) { return {reinterpret_cast<const char*>(mac.data()), mac.size()}; }

std::optional<Link> readLink(std::string_view payload) {
  auto header = readFixed<ifinfomsg>(payload);
  if (!header) return std::nullopt;
  NetlinkAttributes attributes(payload.substr(NLMSG_ALIGN(sizeof(ifinfomsg))));
  Link link;
  link.index = header->ifi_index;
  link.up = (header->ifi_flags & IFF_UP) != 0;
  link.operational = attributes.findU8(IFLA_OPERSTATE) == IF_OPER_UP;
  link.loopback = (header->ifi_flags & IFF_LOOPBACK) != 0;
  bool carries = link.up && (header->ifi_flags & IFF_RUNNING) != 0;
  link.findsNeighbours = carries && header->ifi_type == ARPHRD_ETHER && (header->ifi_flags & IFF_NOARP) == 0;
  link.name = attributes.findText(IFLA_IFNAME).value_or("");
  link.mtu = attributes.findU32(IFLA_MTU).value_or(0);
  auto mac = attributes.find(IFLA_ADDRESS);
  if (mac && mac->size() == link.mac.size()) std::copy(mac->begin(), mac->end(), link.mac.begin());
  return link;
}

void describeEnd(NetlinkMessage& message, const VethEnd& end, uint32_t mtu) {
  message.text(IFLA_IFNAME, end.name);
  message.bytes(IFLA_ADDRESS, macBytes(end.mac));
  message.u32(IFLA_MTU, mtu);
}

NetlinkMessage addressMessage(uint16_t type, uint16_t flags, const InterfaceAddress& address) {
  NetlinkMessage message(type, flags);
  ifaddrmsg header{};
  header.ifa_family = kernelFamily(address.address.family());
  header.ifa_prefixlen = address.length.value_or(base::addressBits(address.address.family()));
  if (header.ifa_family == AF_INET6) header.ifa_flags = IFA_F_NODAD;
  header.ifa_scope = address.global ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK;
  header.ifa_index = static_cast<uint32_t>(address.index);
  message.fixed(header);
  std::string bytes = address.address.bytes();
  message.bytes(IFA_LOCAL, bytes);
  message.bytes(IFA_ADDRESS, bytes);
  // The kernel chooses no scope for an IPv6 address: as a deprecated one it is nobody's source (RFC 6724 section 5).
  ifa_cacheinfo lifetime{.ifa_prefered = 0, .ifa_valid = kForever};
  if (header.ifa_family == AF_INET6 && !address.global) {
    message.bytes(IFA_CACHEINFO, {reinterpret_cast<const char*>(&lifetime), sizeof lifetime});
  }
  if (!address.label.empty()) message.text(IFA_LABEL, address.label);
  if (address.protocol != 0) message.u8(IFA_PROTO, address.protocol);
  return message;
}

int loopbackIndex(NetlinkSocket& socket) {
  auto loopback = findLink(socket, "lo");
  if (!loopback) NetlinkResult{.error = ENODEV}.check("find link lo");
  return loopback->index;
}

}  // namespace

std::vector<Link> listLinks(NetlinkSocket& socket) {
  NetlinkMessage message(RTM_GETLINK, 0);
  message.fixed(ifinfomsg{});
  std::vector<Link> links;
  socket.dump(message, [&](uint16_t, std::string_view payload) {
    if (auto link = readLink(payload)) links.push_back(std::move(*link));
  });
  return links;
}

std::optional<Link> findLink(NetlinkSocket& socket, const std::string& name) {
  NetlinkMessage message(RTM_GETLINK, 0);
  message.fixed(ifinfomsg{});
  message.text(IFLA_IFNAME, name);
  std::optional<Link> found;
  NetlinkResult result = socket.get(message, [&](uint16_t, std::string_view payload) { found = readLink(payload); });
  if (result.error != ENODEV) result.check("find link " + name);
  return found;
}

void addVeth(NetlinkSocket& socket, const Veth& veth) {
  NetlinkMessage message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
  message.fixed(ifinfomsg{});
  describeEnd(message, veth.here, veth.mtu);
  auto info = message.nest(IFLA_LINKINFO);
  message.text(IFLA_INFO_KIND, "veth");
  auto data = message.nest(IFLA_INFO_DATA);
  auto peer = message.nest(VETH_INFO_PEER);
  message.fixed(ifinfomsg{});
  describeEnd(message, veth.there, veth.mtu);
  message.u32(IFLA_NET_NS_FD, static_cast<uint32_t>(veth.thereNamespace));
  message.endNest(peer);
  message.endNest(data);
  message.endNest(info);
  socket.request(message, "add link " + veth.here.name);
}

void removeLink(NetlinkSocket& socket, const std::string& name) {
  NetlinkMessage message(RTM_DELLINK, 0);
  message.fixed(ifinfomsg{});
  message.text(IFLA_IFNAME, name);
  NetlinkResult result = socket.tryRequest(message);
  if (result.error != ENODEV) result.check("remove link " + name);
}

void setLinkUp(NetlinkSocket& socket, int index) {
  NetlinkMessage message(RTM_NEWLINK, 0);
  ifinfomsg header{};
  header.ifi_index = index;
  header.ifi_flags = IFF_UP;
  header.ifi_change = IFF_UP;
  message.fixed(header);
  socket.request(message, fmt::format("set link {} up", index));
}

bool waitOperational(const std::string& name, std::chrono::milliseconds atMost) {
  auto deadline = std::chrono::steady_clock::now() + atMost;
  NetlinkListener changes(NETLINK_ROUTE, RTNLGRP_LINK);  // listens before it asks, so that no change falls between
  NetlinkSocket socket(NETLINK_ROUTE);
  auto link = findLink(socket, name);
  bool operational = link && link->operational;
  while (!operational) {
    bool heard = changes.next(deadline, [&](uint16_t type, std::string_view payload) {
      auto changed = type == RTM_NEWLINK ? readLink(payload) : std::nullopt;
      if (changed && changed->name == name && changed->operational) operational = true;
    });
    if (!heard) break;
  }
  return operational;
}

std::vector<InterfaceAddress> listAddresses(NetlinkSocket& socket) {
  NetlinkMessage message(RTM_GETADDR, 0);
  ifaddrmsg request{};
  request.ifa_family = AF_UNSPEC;
  message.fixed(request);
  std::vector<InterfaceAddress> addresses;
  socket.dump(message, [&](uint16_t, std::string_view payload) {
    auto header = readFixed<ifaddrmsg>(payload);
    if (!header) return;
    NetlinkAttributes attributes(payload.substr(NLMSG_ALIGN(sizeof(ifaddrmsg))));
    auto bytes = attributes.find(IFA_LOCAL);
    if (!bytes) bytes = attributes.find(IFA_ADDRESS);  // of IPv6 the only one
    auto local = base::IpAddress::fromBytes(bytes.value_or(""));
    if (!local) return;
    addresses.push_back({static_cast<int>(header->ifa_index), *local, header->ifa_prefixlen,
                         header->ifa_scope == RT_SCOPE_UNIVERSE, attributes.findText(IFA_LABEL).value_or(""),
                         attributes.findU8(IFA_PROTO).value_or(0)});
  });
  return addresses;
}

void addAddress(NetlinkSocket& socket, const InterfaceAddress& address) {
  NetlinkMessage message = addressMessage(RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, address);
  NetlinkResult result = socket.tryRequest(message);
  if (result.error != EEXIST) result.check("add address " + address.address.text());
}

void removeAddress(NetlinkSocket& socket, const InterfaceAddress& address) {
  NetlinkMessage message = addressMessage(RTM_DELADDR, 0, address);
  NetlinkResult result = socket.tryRequest(message);
  if (result.error != EADDRNOTAVAIL && result.error != ENODEV) result.check("remove address " + address.address.text());
}

void setNeighbour(NetlinkSocket& socket, int index, const base::IpAddress& address, const MacAddress& mac) {
  NetlinkMessage message(RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE);
  ndmsg header{};
  header.ndm_family = kernelFamily(address.family());
  header.ndm_ifindex = index;
  header.ndm_state = NUD_PERMANENT;
  message.fixed(header);
  message.bytes(NDA_DST, address.bytes());
  message.bytes(NDA_LLADDR, macBytes(mac));
  socket.request(message, "set neighbour " + address.text());
}

void addLoopbackAddress(const base::IpAddress& address) {
  NetlinkSocket socket(NETLINK_ROUTE);
  // Scope link: else the kernel would take it as the source of connections from the node to its pods.
  addAddress(socket, {.index = loopbackIndex(socket), .address = address, .global = false});
}

void removeLoopbackAddress(const base::IpAddress& address) {
  NetlinkSocket socket(NETLINK_ROUTE);
  removeAddress(socket, {.index = loopbackIndex(socket), .address = address, .global = false});
}

}  // namespace wherry::linux
