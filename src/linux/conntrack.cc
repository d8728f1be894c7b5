#include "linux/conntrack.h"

#include <cerrno>
#include <string>

#include <arpa/inet.h>
#include <linux/netfilter/nf_conntrack_tcp.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "linux/netlink_socket.h"

namespace wherry::linux {
namespace {

using base::IpAddress;
using base::IpFamily;

uint8_t kernelFamily(std::optional<IpFamily> family) {
  if (!family) return AF_UNSPEC;
  return *family == IpFamily::kIPv4 ? AF_INET : AF_INET6;
}

NetlinkMessage conntrackMessage(uint16_t type, std::optional<IpFamily> family) {
  NetlinkMessage message((NFNL_SUBSYS_CTNETLINK << 8) | type, 0);
  message.fixed(nfgenmsg{kernelFamily(family), NFNETLINK_V0, 0});
  return message;
}

struct Tuple {
  uint8_t protocol = 0;
  Flow flow;
};

std::optional<Tuple> readTuple(const NetlinkAttributes& entry, uint16_t type) {
  auto tuple = entry.findNest(type);
  if (!tuple) return std::nullopt;
  auto ip = tuple->findNest(CTA_TUPLE_IP);
  auto proto = tuple->findNest(CTA_TUPLE_PROTO);
  if (!ip || !proto) return std::nullopt;
  auto address = [&](uint16_t ipv4, uint16_t ipv6) {
    auto bytes = ip->find(ipv4);
    return IpAddress::fromBytes(bytes ? *bytes : ip->find(ipv6).value_or(""));
  };
  auto source = address(CTA_IP_V4_SRC, CTA_IP_V6_SRC);
  auto destination = address(CTA_IP_V4_DST, CTA_IP_V6_DST);
  auto number = proto->findU8(CTA_PROTO_NUM);
  if (!source || !destination || !number) return std::nullopt;
  return Tuple{*number,
               {*source, *destination, proto->findBe16(CTA_PROTO_SRC_PORT).value_or(0),
                proto->findBe16(CTA_PROTO_DST_PORT).value_or(0)}};
}

// An entry and the attributes by which the kernel finds it again, as it sent them.
struct Entry {
  Connection connection;
  std::string originalTuple;
  std::string id;
  std::string zone;
  uint8_t tcpState = TCP_CONNTRACK_NONE;
};

uint8_t readTcpState(const NetlinkAttributes& entry) {
  auto protocol = entry.findNest(CTA_PROTOINFO);
  auto tcp = protocol ? protocol->findNest(CTA_PROTOINFO_TCP) : std::nullopt;
  return tcp ? tcp->findU8(CTA_PROTOINFO_TCP_STATE).value_or(TCP_CONNTRACK_NONE) : uint8_t{TCP_CONNTRACK_NONE};
}

std::optional<Entry> readEntry(std::string_view payload) {
  if (payload.size() < sizeof(nfgenmsg)) return std::nullopt;
  NetlinkAttributes attributes(payload.substr(sizeof(nfgenmsg)));
  auto original = readTuple(attributes, CTA_TUPLE_ORIG);
  auto reply = readTuple(attributes, CTA_TUPLE_REPLY);
  if (!original || !reply) return std::nullopt;
  return Entry{{original->protocol, original->flow, reply->flow},
               std::string(attributes.find(CTA_TUPLE_ORIG).value_or("")),
               std::string(attributes.find(CTA_ID).value_or("")),
               std::string(attributes.find(CTA_ZONE).value_or("")),
               readTcpState(attributes)};
}

std::vector<Entry> listEntries(NetlinkSocket& socket, uint8_t protocol, std::optional<IpFamily> family,
                               const std::function<bool(const Entry&)>& matches) {
  NetlinkMessage message = conntrackMessage(IPCTNL_MSG_CT_GET, family);
  std::vector<Entry> entries;
  socket.dump(message, [&](uint16_t, std::string_view payload) {
    auto entry = readEntry(payload);
    if (!entry || (protocol != 0 && entry->connection.protocol != protocol)) return;
    if (matches(*entry)) entries.push_back(std::move(*entry));
  });
  return entries;
}

size_t deleteEntries(NetlinkSocket& socket, const std::vector<Entry>& entries) {
  size_t deleted = 0;
  for (const Entry& entry : entries) {
    NetlinkMessage message = conntrackMessage(IPCTNL_MSG_CT_DELETE, entry.connection.original.source.family());
    message.bytes(CTA_TUPLE_ORIG | NLA_F_NESTED, entry.originalTuple);
    if (!entry.zone.empty()) message.bytes(CTA_ZONE, entry.zone);
    // The id makes sure that it is not a newer connection with the same addresses.
    if (!entry.id.empty()) message.bytes(CTA_ID, entry.id);
    NetlinkResult result = socket.tryRequest(message);
    if (result.error != ENOENT) result.check("delete a conntrack entry");
    if (result.ok()) ++deleted;
  }
  return deleted;
}

uint16_t checksum(std::string_view bytes) {
  uint32_t sum = 0;
  for (size_t i = 0; i + 1 < bytes.size(); i += 2) {
    sum += static_cast<uint32_t>(static_cast<uint8_t>(bytes[i]) << 8 | static_cast<uint8_t>(bytes[i + 1]));
  }
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<uint16_t>(~sum);
}

template <typename T>
std::string_view bytesOf(const T& value) {
  return {reinterpret_cast<const char*>(&value), sizeof value};
}

// What RFC 9293 section 3.1 and RFC 8200 section 8.1 have before the segment when its checksum is computed.
std::string pseudoHeader(const IpAddress& source, const IpAddress& destination, uint16_t length) {
  std::string header = source.bytes() + destination.bytes();
  const uint16_t fields[] = {htons(IPPROTO_TCP), htons(length)};  // wider in IPv6, with the same sum
  return header.append(reinterpret_cast<const char*>(fields), sizeof fields);
}

// A byte that fits into no window: RFC 9293 section 3.10.7.4 has the client acknowledge what it has. Linux limits how
// often it answers SYNs, and segments without data, of one connection (net.ipv4.tcp_invalid_ratelimit), but not these.
std::string renderStrayByte(const Flow& client, uint32_t sequenceNumber) {
  const std::string byte(1, '\0');  // and so is the one that pads it: both add nothing to the checksum
  tcphdr tcp{};
  tcp.source = htons(client.destinationPort);
  tcp.dest = htons(client.sourcePort);
  tcp.seq = htonl(sequenceNumber);
  tcp.doff = sizeof tcp / 4;
  tcp.ack = 1;
  tcp.window = htons(1024);
  uint16_t length = sizeof tcp + byte.size();
  tcp.check = htons(checksum(pseudoHeader(client.destination, client.source, length).append(bytesOf(tcp))));
  return std::string(bytesOf(tcp)) + byte;
}

// A window may have one of them in it, but never both: it is at most 2^30 wide.
constexpr uint32_t kStraySequenceNumbers[] = {0, 1U << 31};

constexpr uint8_t kHops = 64;

std::string renderHeader4(const Flow& client) {
  iphdr ip{};  // the kernel fills in its length, identification and checksum
  ip.version = 4;
  ip.ihl = sizeof ip / 4;
  ip.ttl = kHops;
  ip.protocol = IPPROTO_TCP;
  ip.saddr = htonl(client.destination.ipv4Value());
  ip.daddr = htonl(client.source.ipv4Value());
  return std::string(bytesOf(ip));
}

std::string renderHeader6(const Flow& client, uint16_t length) {
  ip6_hdr ip{};
  ip.ip6_flow = htonl(6U << 28);
  ip.ip6_plen = htons(length);
  ip.ip6_nxt = IPPROTO_TCP;
  ip.ip6_hlim = kHops;
  client.destination.bytes().copy(reinterpret_cast<char*>(&ip.ip6_src), sizeof ip.ip6_src);
  client.source.bytes().copy(reinterpret_cast<char*>(&ip.ip6_dst), sizeof ip.ip6_dst);
  return std::string(bytesOf(ip));
}

base::Fd markedRawSocket(IpFamily family) {
  base::Fd fd(::socket(kernelFamily(family), SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW));
  if (!fd) base::throwErrno("make a raw socket");
  uint32_t mark = kLifeSignMark;
  if (::setsockopt(fd.get(), SOL_SOCKET, SO_MARK, &mark, sizeof mark) != 0) base::throwErrno("mark a raw socket");
  return fd;
}

void send(const base::Fd& fd, const IpAddress& to, const std::string& packet) {
  sockaddr_in to4{.sin_family = AF_INET};
  sockaddr_in6 to6{.sin6_family = AF_INET6};
  bool isV4 = to.family() == IpFamily::kIPv4;
  if (isV4) {
    to4.sin_addr.s_addr = htonl(to.ipv4Value());
  } else {
    to.bytes().copy(reinterpret_cast<char*>(&to6.sin6_addr), sizeof to6.sin6_addr);
  }
  ::sendto(fd.get(), packet.data(), packet.size(), MSG_DONTWAIT,
           isV4 ? reinterpret_cast<sockaddr*>(&to4) : reinterpret_cast<sockaddr*>(&to6),
           isV4 ? sizeof to4 : sizeof to6);
}

// `flows`: to the address that is gone, each as its sender knows it. One that can't be reached any more is none.
void askForLife(const std::vector<Flow>& flows, IpFamily family) {
  base::Fd fd = markedRawSocket(family);
  for (const Flow& flow : flows) {
    for (uint32_t sequenceNumber : kStraySequenceNumbers) {
      std::string segment = renderStrayByte(flow, sequenceNumber);
      uint16_t length = segment.size();
      send(fd, flow.source, (family == IpFamily::kIPv4 ? renderHeader4(flow) : renderHeader6(flow, length)) + segment);
    }
  }
}

}  // namespace

size_t deleteConnections(uint8_t protocol, const std::function<bool(const Connection&)>& matches,
                         std::optional<IpFamily> family) {
  NetlinkSocket socket(NETLINK_NETFILTER);
  return deleteEntries(socket,
                       listEntries(socket, protocol, family, [&](const Entry& e) { return matches(e.connection); }));
}

void endConnections(const IpAddress& gone) {
  NetlinkSocket socket(NETLINK_NETFILTER);
  auto entries = listEntries(socket, 0, gone.family(), [&](const Entry& entry) {
    const auto& [protocol, original, reply] = entry.connection;
    return reply.source == gone || original.source == gone || original.destination == gone;
  });
  deleteEntries(socket, entries);
  std::vector<Flow> left;
  for (const Entry& entry : entries) {
    // Of one that has ended, another connection may have the client's port by now.
    bool lasts = entry.tcpState >= TCP_CONNTRACK_ESTABLISHED && entry.tcpState <= TCP_CONNTRACK_CLOSE_WAIT;
    if (lasts && entry.connection.reply.source == gone) left.push_back(entry.connection.original);
    // Servers, but not those for whom the pod had the node's address.
    if (lasts && entry.connection.reply.destination == gone) left.push_back(entry.connection.reply);
  }
  if (!left.empty()) askForLife(left, gone.family());
}

std::vector<Connection> listConnections(uint8_t protocol) {
  NetlinkSocket socket(NETLINK_NETFILTER);
  std::vector<Connection> connections;
  for (const Entry& entry : listEntries(socket, protocol, std::nullopt, [](const Entry&) { return true; })) {
    connections.push_back(entry.connection);
  }
  return connections;
}

}  // namespace wherry::linux
