#include "proxy/kernel_table.h"

#include <algorithm>
#include <cerrno>
#include <set>
#include <system_error>

#include <arpa/inet.h>
#include <linux/netlink.h>
#include <netinet/in.h>

#include "base/fault_point.h"
#include "base/log.h"
#include "linux/conntrack.h"
#include "linux/links.h"
#include "linux/nft/base_chains.h"
#include "linux/nft/elements.h"
#include "linux/node_addresses.h"
#include "linux/routes.h"

namespace wherry::proxy {
namespace {

const base::Log kLog("proxy");

// Of a table that nobody uses yet: less memory here and in the kernel, and the first Services work before the last.
constexpr size_t kChunkBytes = 1 << 20;

using Ports = std::set<ServicePort>;

// The fields of an element, one after the other.
class Reader {
 public:
  Reader(const linux::nft::Data& data, base::IpFamily family)
      : rest_(data.bytes()), addressBytes_(base::addressBits(family) / 8) {}

  base::IpAddress address() { return base::IpAddress::fromBytes(take(addressBytes_)).value_or(base::IpAddress()); }
  uint8_t protocol() {
    std::string_view bytes = take(4);
    return bytes.empty() ? uint8_t{0} : static_cast<uint8_t>(bytes[0]);
  }
  uint16_t port() {
    uint16_t value = 0;
    take(4).copy(reinterpret_cast<char*>(&value), sizeof value);
    return ntohs(value);
  }

 private:
  std::string_view take(size_t size) {
    std::string_view bytes = rest_.substr(0, size);
    rest_.remove_prefix(bytes.size());
    return bytes;
  }

  std::string_view rest_;
  size_t addressBytes_;
};

// The first packet of a connection, and who was to answer it.
struct Sent {
  base::IpAddress client;
  ServicePort to;
  Endpoint answering;
};

Sent sentBy(const linux::Connection& connection) {
  return {connection.original.source,
          {connection.original.destination, connection.protocol, connection.original.destinationPort},
          {connection.reply.source, connection.reply.sourcePort}};
}
// An element of the map of clients with affinity.
Sent sentBy(const linux::nft::ListedElement& element, base::IpFamily family) {
  Reader key(element.key, family), data(element.data, family);
  Sent sent;
  sent.client = key.address();
  sent.to.ip = key.address();
  sent.to.protocol = key.protocol();
  sent.to.port = key.port();
  sent.answering.ip = data.address();
  sent.answering.port = data.port();
  return sent;
}

// The port that it was for, of those that are there or have just gone.
ServicePort portFor(const Sent& sent, const Slots& slots, const Ports& changed, const Cidrs& cidrs) {
  auto isKnown = [&](const ServicePort& port) { return slots.find(port) || changed.contains(port); };
  ServicePort port = sent.to;
  bool isClusterIp = cidrs.services && cidrs.services->contains(port.ip);
  if (!isClusterIp && !isKnown(port)) port.ip = base::IpAddress::unspecified(cidrs.family);
  ServicePort outside = port;
  outside.clients = Clients::kOutside;
  bool fromOutside = !cidrs.nodeAddresses.contains(sent.client) && !(cidrs.pods && cidrs.pods->contains(sent.client));
  return fromOutside && isKnown(outside) ? outside : port;
}

bool answers(const Backends* backends, const Endpoint& answering) {
  if (!backends) return false;
  return std::any_of(backends->endpoints.begin(), backends->endpoints.end(), [&](const Endpoint& endpoint) {
    return endpoint.ip == answering.ip && endpoint.port == answering.port;
  });
}

// A UDP "connection" lives as long as packets come, so a client that keeps its socket would never leave a dead
// endpoint, nor a cluster IP that had none. TCP ends by itself, and in order.
void forgetStale(const Slots& slots, const Ports& changed, const Cidrs& cidrs) {
  std::set<base::IpAddress> own;
  for (const auto& address : linux::readNodeAddresses().addresses) own.insert(address.address);
  linux::deleteConnections(
      IPPROTO_UDP,
      [&](const linux::Connection& connection) {
        Sent sent = sentBy(connection);
        ServicePort port = portFor(sent, slots, changed, cidrs);
        if (!changed.contains(port) || answers(slots.find(port), sent.answering)) return false;
        // Somebody else's port of that number is not a node port.
        return !port.isNodePort() || own.contains(sent.to.ip);
      },
      cidrs.family);
}

// The table is in place whether this succeeds or not.
void tryForgetStale(const Slots& slots, const Ports& changed, const Cidrs& cidrs) {
  bool anyUdp = std::any_of(changed.begin(), changed.end(), [](auto& port) { return port.protocol == IPPROTO_UDP; });
  if (!anyUdp) return;
  try {
    forgetStale(slots, changed, cidrs);
  } catch (const std::system_error& error) {
    kLog.warn("UDP connections to endpoints that are gone stay until they time out: {}", error.what());
  }
}

bool hasAffinity(const Backends* backends) { return backends && backends->affinity.count() > 0; }

// Clients that kept to an endpoint that is gone. An element may end, or somebody change the table, meanwhile: each is
// deleted by itself.
void forgetClients(linux::NetlinkSocket& socket, const Slots& slots, const Cidrs& cidrs) {
  std::vector<linux::nft::Data> stale;
  auto visit = [&](const linux::nft::ListedElement& element) {
    Sent sent = sentBy(element, cidrs.family);
    const Backends* backends = slots.find(portFor(sent, slots, {}, cidrs));
    if (!hasAffinity(backends) || !answers(backends, sent.answering)) stale.push_back(element.key);
  };
  linux::nft::listElements(socket, kTable, kAffinityMap, visit, cidrs.family);
  for (const linux::nft::Data& key : stale) {
    linux::nft::Batch batch(cidrs.family);
    batch.deleteElement(kTable, kAffinityMap, key);
    try {
      batch.commit(socket);
    } catch (const linux::nft::BatchError& error) {
      if (error.error != ENOENT) throw;
    }
  }
}

}  // namespace

KernelTable::KernelTable(Cidrs cidrs) : cidrs_(std::move(cidrs)), socket_(NETLINK_NETFILTER) {}

// A packet of the node's own needs some route before it meets the rules that turn it to an endpoint. Without a default
// route (no uplink at the moment) this is it.
// Nor shall what is for a pod that is gone leave the node by it, but meet the rule that refuses it.
void KernelTable::setRoutes() {
  linux::NetlinkSocket routes(NETLINK_ROUTE);
  auto loopback = linux::findLink(routes, "lo");
  for (const auto& cidr : {cidrs_.services, cidrs_.pods}) {
    if (loopback && cidr) linux::setRoute(routes, {.destination = *cidr, .index = loopback->index});
  }
}

// As late as possible before the commit: what packets add in between is lost.
void KernelTable::keepAffinity(linux::nft::Batch& batch, const Slots& slots) {
  auto visit = [&](const linux::nft::ListedElement& element) {
    Sent sent = sentBy(element, cidrs_.family);
    const Backends* backends = slots.find(portFor(sent, slots, {}, cidrs_));
    if (!hasAffinity(backends) || !answers(backends, sent.answering) || element.left.count() == 0) return;
    batch.addElement(kTable, kAffinityMap, element.key, element.data, {element.timeout, element.left});
  };
  linux::nft::listElements(socket_, kTable, kAffinityMap, visit, cidrs_.family);
}

void KernelTable::replace(const Slots& slots) {
  linux::nft::Batch batch(cidrs_.family);
  bool isFirst = !linux::nft::tableExists(socket_, kTable, cidrs_.family);
  addWholeTable(batch, slots, cidrs_, shapes_, [&] {
    if (!isFirst || batch.bytes() < kChunkBytes) return;
    batch.commit(socket_);
    batch = linux::nft::Batch(cidrs_.family);
  });
  keepAffinity(batch, slots);
  batch.commit(socket_);
  base::faultPoint("services-loaded");
  setRoutes();
  withAffinity_.clear();
  Ports all;
  slots.forEachPort([&](const ServicePort& port, const Backends& backends) {
    if (port.protocol == IPPROTO_UDP) all.insert(port);
    if (hasAffinity(&backends)) withAffinity_.insert(port);
  });
  tryForgetStale(slots, all, cidrs_);
}

void KernelTable::apply(const Slots& slots, const Changes& changes) {
  linux::nft::Batch batch(cidrs_.family);
  addChanges(batch, slots, changes, shapes_);
  batch.commit(socket_);
  base::faultPoint("endpoints-applied");
  bool anyAffinity = false;
  for (const ServicePort& port : changes.ports()) {
    bool has = hasAffinity(slots.find(port));
    anyAffinity = anyAffinity || has || withAffinity_.contains(port);
    if (has) {
      withAffinity_.insert(port);
    } else {
      withAffinity_.erase(port);
    }
  }
  if (anyAffinity) forgetClients(socket_, slots, cidrs_);
  tryForgetStale(slots, Ports(changes.ports().begin(), changes.ports().end()), cidrs_);
}

void removeRoutes() {
  linux::NetlinkSocket socket(NETLINK_ROUTE);
  auto loopback = linux::findLink(socket, "lo");
  for (const linux::Route& route : linux::listRoutes(socket)) {
    if (route.own && loopback && route.index == loopback->index) linux::removeRoute(socket, route);
  }
}

}  // namespace wherry::proxy
