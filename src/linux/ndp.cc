#include "linux/ndp.h"

#include <arpa/inet.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "linux/sysctls.h"

namespace wherry::linux {
namespace {

void setOption(const base::Fd& fd, int level, int option, const void* value, socklen_t size) {
  if (::setsockopt(fd.get(), level, option, value, size) != 0) base::throwErrno("set up an ICMPv6 socket");
}

base::Fd advertisingSocket() {
  base::Fd fd(::socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMPV6));
  if (!fd) base::throwErrno("make an ICMPv6 socket");
  icmp6_filter nothing{};
  ICMP6_FILTER_SETBLOCKALL(&nothing);
  setOption(fd, IPPROTO_ICMPV6, ICMP6_FILTER, &nothing, sizeof nothing);
  int hops = 255;  // others are not heeded: they may have come from beyond the link
  setOption(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, &hops, sizeof hops);
  return fd;
}

sockaddr_in6 everybodyOn(int index) {
  sockaddr_in6 to{};
  to.sin6_family = AF_INET6;
  to.sin6_scope_id = static_cast<uint32_t>(index);
  ::inet_pton(AF_INET6, "ff02::1", &to.sin6_addr);
  return to;
}

}  // namespace

std::string renderAdvertisement(base::IpAddress address, const MacAddress& mac, bool fromRouter) {
  constexpr char kOverride = 0x20;
  constexpr char kRouter = static_cast<char>(0x80);
  std::string message = {static_cast<char>(ND_NEIGHBOR_ADVERT), 0, 0, 0};
  message += {static_cast<char>(fromRouter ? kOverride | kRouter : kOverride), 0, 0, 0};
  message += address.bytes();
  message += {ND_OPT_TARGET_LINKADDR, 1};  // its length, in units of 8 bytes
  message.append(reinterpret_cast<const char*>(mac.data()), mac.size());
  return message;
}

void announceByNdp(const Link& link, const std::set<base::IpAddress>& addresses) {
  base::Fd fd = advertisingSocket();
  sockaddr_in6 to = everybodyOn(link.index);
  bool isRouter = readSysctl("net/ipv6/conf/" + link.name + "/forwarding") == "1";
  for (base::IpAddress address : addresses) {
    std::string message = renderAdvertisement(address, link.mac, isRouter);
    ::sendto(fd.get(), message.data(), message.size(), MSG_DONTWAIT, reinterpret_cast<sockaddr*>(&to), sizeof to);
  }
}

}  // namespace wherry::linux
