#include "linux/conntrack.h"

#include <cerrno>
#include <string>

#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "linux/netlink_socket.h"

namespace wherry::linux {
namespace {

NetlinkMessage conntrackMessage(uint16_t type) {
  NetlinkMessage message((NFNL_SUBSYS_CTNETLINK << 8) | type, 0);
  message.fixed(nfgenmsg{AF_INET, NFNETLINK_V0, 0});
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
  auto source = ip->findBe32(CTA_IP_V4_SRC);
  auto destination = ip->findBe32(CTA_IP_V4_DST);
  auto number = proto->findU8(CTA_PROTO_NUM);
  if (!source || !destination || !number) return std::nullopt;
  return Tuple{*number,
               {{*source},
                {*destination},
                proto->findBe16(CTA_PROTO_SRC_PORT).value_or(0),
                proto->findBe16(CTA_PROTO_DST_PORT).value_or(0)}};
}

// An entry and the attributes by which the kernel finds it again, as it sent them.
struct Entry {
  Connection connection;
  std::string originalTuple;
  std::string id;
  std::string zone;
};

std::optional<Entry> readEntry(std::string_view payload) {
  if (payload.size() < sizeof(nfgenmsg)) return std::nullopt;
  NetlinkAttributes attributes(payload.substr(sizeof(nfgenmsg)));
  auto original = readTuple(attributes, CTA_TUPLE_ORIG);
  auto reply = readTuple(attributes, CTA_TUPLE_REPLY);
  if (!original || !reply) return std::nullopt;
  return Entry{{original->protocol, original->flow, reply->flow},
               std::string(attributes.find(CTA_TUPLE_ORIG).value_or("")),
               std::string(attributes.find(CTA_ID).value_or("")),
               std::string(attributes.find(CTA_ZONE).value_or(""))};
}

std::vector<Entry> listEntries(NetlinkSocket& socket, uint8_t protocol,
                               const std::function<bool(const Connection&)>& matches) {
  NetlinkMessage message = conntrackMessage(IPCTNL_MSG_CT_GET);
  std::vector<Entry> entries;
  socket.dump(message, [&](uint16_t, std::string_view payload) {
    auto entry = readEntry(payload);
    if (!entry || (protocol != 0 && entry->connection.protocol != protocol)) return;
    if (matches(entry->connection)) entries.push_back(std::move(*entry));
  });
  return entries;
}

}  // namespace

size_t deleteConnections(uint8_t protocol, const std::function<bool(const Connection&)>& matches) {
  NetlinkSocket socket(NETLINK_NETFILTER);
  size_t deleted = 0;
  for (const Entry& entry : listEntries(socket, protocol, matches)) {
    NetlinkMessage message = conntrackMessage(IPCTNL_MSG_CT_DELETE);
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

std::vector<Connection> listConnections(uint8_t protocol) {
  NetlinkSocket socket(NETLINK_NETFILTER);
  std::vector<Connection> connections;
  for (const Entry& entry : listEntries(socket, protocol, [](const Connection&) { return true; })) {
    connections.push_back(entry.connection);
  }
  return connections;
}

}  // namespace wherry::linux
