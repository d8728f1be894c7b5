#include "network/pod_link.h"

#include <fcntl.h>
#include <linux/netlink.h>

#include "base/encoding.h"
#include "base/fault_point.h"
#include "base/fd.h"
#include "linux/namespaces.h"
#include "linux/node_addresses.h"
#include "linux/routes.h"
#include "linux/sysctls.h"

namespace wherry::network {
namespace {

constexpr const char* kPodInterface = "eth0";
constexpr std::chrono::seconds kOperationalWithin{5};

// A locally administered unicast address out of five bytes of the hash.
linux::MacAddress macOf(uint8_t first, std::string_view hash) {
  linux::MacAddress mac{first};
  for (size_t i = 0; i < 5; ++i) mac[i + 1] = static_cast<uint8_t>(hash[i]);
  return mac;
}

// IN6_ADDR_GEN_MODE_NONE: no link-local address, so no duplicate detection and no router solicitations. Both ends know
// each other's addresses.
constexpr std::string_view kNoIpv6Addresses = "1";

// A socket that stays in the namespace when the thread that made it has ended.
linux::NetlinkSocket enter(const std::string& netnsPath) {
  std::optional<linux::NetlinkSocket> socket;
  linux::runInNetworkNamespace(netnsPath, [&] {
    linux::writeSysctlIfExists("net/ipv6/conf/default/addr_gen_mode", kNoIpv6Addresses);
    socket.emplace(NETLINK_ROUTE);
  });
  return std::move(*socket);
}

bool linked(linux::NetlinkSocket& node, linux::NetlinkSocket& pod, const PodLink& link) {
  auto here = linux::findLink(node, link.hostInterface);
  auto there = linux::findLink(pod, kPodInterface);
  return here && there && here->mac == link.hostMac && there->mac == link.podMac;
}

void connect(linux::NetlinkSocket& node, const PodLink& link, const std::string& netnsPath) {
  linux::removeLink(node, link.hostInterface);
  base::Fd netns(::open(netnsPath.c_str(), O_RDONLY | O_CLOEXEC));
  if (!netns) base::throwErrno("open " + netnsPath);
  linux::addVeth(node, {.here = {link.hostInterface, link.hostMac},
                        .there = {kPodInterface, link.podMac},
                        .thereNamespace = netns.get(),
                        .mtu = linux::readNodeAddresses().mtu});
}

int getLinkIndex(linux::NetlinkSocket& socket, const std::string& name) {
  auto link = linux::findLink(socket, name);
  if (!link) linux::NetlinkResult{.error = ENODEV}.check("find link " + name);
  return link->index;
}

void configurePodSide(linux::NetlinkSocket& pod, const PodLink& link) {
  linux::setLinkUp(pod, getLinkIndex(pod, "lo"));
  int index = getLinkIndex(pod, kPodInterface);
  for (const base::IpAddress& address : link.addresses) linux::addAddress(pod, {.index = index, .address = address});
  linux::setLinkUp(pod, index);
  for (const base::IpAddress& address : link.addresses) {
    base::IpFamily family = address.family();
    linux::setNeighbour(pod, index, gateway(family), link.hostMac);
    linux::setRoute(pod, {.destination = base::IpPrefix::all(family), .gateway = gateway(family), .index = index});
  }
}

void configureHostSide(linux::NetlinkSocket& node, const PodLink& link) {
  int index = getLinkIndex(node, link.hostInterface);
  // A pod sends from its own address or not at all.
  linux::writeSysctl("net/ipv4/conf/" + link.hostInterface + "/rp_filter", "1");
  linux::writeSysctlIfExists("net/ipv6/conf/" + link.hostInterface + "/addr_gen_mode", kNoIpv6Addresses);
  linux::setLinkUp(node, index);
  for (const base::IpAddress& address : link.addresses) {
    linux::setNeighbour(node, index, address, link.podMac);
    linux::setRoute(node, {.destination = base::IpPrefix::single(address), .index = index});
  }
}

bool isPodLink(std::string_view name) {
  constexpr size_t kDigits = 12;
  return name.size() == kHostInterfacePrefix.size() + kDigits && name.starts_with(kHostInterfacePrefix) &&
         name.find_first_not_of("0123456789abcdef", kHostInterfacePrefix.size()) == std::string_view::npos;
}

}  // namespace

base::IpAddress gateway(base::IpFamily family) {
  return *base::IpAddress::parse(family == base::IpFamily::kIPv4 ? "169.254.1.1" : "fe80::1");
}

PodLink describePodLink(const std::string& sandboxId, std::vector<base::IpAddress> addresses) {
  std::string hash = base::sha256(sandboxId);
  return {.hostInterface = std::string(kHostInterfacePrefix) + base::encodeHex(hash.substr(0, 6)),
          .hostMac = macOf(0x06, std::string_view(hash).substr(6)),
          .podMac = macOf(0x02, std::string_view(hash).substr(11)),
          .addresses = std::move(addresses)};
}

void applyPodLink(const PodLink& link, const std::string& netnsPath) {
  linux::NetlinkSocket node(NETLINK_ROUTE);
  linux::NetlinkSocket pod = enter(netnsPath);
  if (!linked(node, pod, link)) connect(node, link, netnsPath);
  base::faultPoint("link-made");
  configurePodSide(pod, link);
  base::faultPoint("link-pod-side-set");
  configureHostSide(node, link);
  base::faultPoint("link-host-side-set");
  // The end that came up first is the one that lags behind.
  linux::runInNetworkNamespace(netnsPath, [] {
    if (!linux::waitOperational(kPodInterface, kOperationalWithin)) {
      linux::NetlinkResult{.error = ETIMEDOUT}.check("wait for a pod's link to come up");
    }
  });
}

void removePodLink(const std::string& hostInterface) {
  linux::NetlinkSocket node(NETLINK_ROUTE);
  linux::removeLink(node, hostInterface);
}

void removeAllPodLinks() {
  linux::NetlinkSocket node(NETLINK_ROUTE);
  for (const linux::Link& link : linux::listLinks(node)) {
    if (isPodLink(link.name)) linux::removeLink(node, link.name);
  }
}

}  // namespace wherry::network
