#include "linux/arp.h"

#include <algorithm>

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <sys/socket.h>

#include "base/fd.h"

namespace wherry::linux {
namespace {

void append16(std::string& packet, uint16_t value) {
  packet.push_back(static_cast<char>(value >> 8));
  packet.push_back(static_cast<char>(value & 255));
}
void append(std::string& packet, const MacAddress& mac) {
  packet.append(reinterpret_cast<const char*>(mac.data()), mac.size());
}
void append(std::string& packet, base::IpAddress address) {
  append16(packet, static_cast<uint16_t>(address.ipv4Value() >> 16));
  append16(packet, static_cast<uint16_t>(address.ipv4Value()));
}

sockaddr_ll everybodyOn(int index) {
  sockaddr_ll to{};
  to.sll_family = AF_PACKET;
  to.sll_protocol = htons(ETH_P_ARP);
  to.sll_ifindex = index;
  to.sll_halen = ETH_ALEN;
  std::fill_n(to.sll_addr, ETH_ALEN, uint8_t{0xff});
  return to;
}

}  // namespace

// RFC 826; RFC 5227 section 3: the sender's and the target's address are the same.
std::string renderAnnouncement(ArpOperation operation, base::IpAddress address, const MacAddress& mac) {
  constexpr uint16_t kEthernet = 1;
  std::string packet;
  append16(packet, kEthernet);
  append16(packet, ETH_P_IP);
  packet.push_back(ETH_ALEN);
  packet.push_back(sizeof(uint32_t));
  append16(packet, static_cast<uint16_t>(operation));
  append(packet, mac);
  append(packet, address);
  append(packet, operation == ArpOperation::kRequest ? MacAddress{} : mac);
  append(packet, address);
  return packet;
}

void announceByArp(const Link& link, const std::set<base::IpAddress>& addresses) {
  base::Fd fd(::socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, 0));  // protocol 0: it receives nothing
  if (!fd) base::throwErrno("make a packet socket");
  sockaddr_ll to = everybodyOn(link.index);
  for (base::IpAddress address : addresses) {
    for (ArpOperation operation : {ArpOperation::kRequest, ArpOperation::kReply}) {
      std::string packet = renderAnnouncement(operation, address, link.mac);
      ::sendto(fd.get(), packet.data(), packet.size(), MSG_DONTWAIT, reinterpret_cast<sockaddr*>(&to), sizeof to);
    }
  }
}

}  // namespace wherry::linux
