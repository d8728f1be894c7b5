#include "proxy/kernel_table.h"

#include <algorithm>
#include <set>
#include <system_error>

#include <linux/netlink.h>
#include <netinet/in.h>

#include "base/fault_point.h"
#include "base/log.h"
#include "linux/conntrack.h"
#include "linux/links.h"
#include "linux/routes.h"

namespace wherry::proxy {
namespace {

const base::Log kLog("proxy");

// A UDP "connection" lives as long as packets come, so a client that keeps its socket would never leave a dead
// endpoint, nor a cluster IP that had none. TCP ends by itself, and in order.
void forgetStale(const Slots& slots, const std::set<ServicePort>& changed) {
  linux::deleteConnections(IPPROTO_UDP, [&](const linux::Connection& connection) {
    ServicePort port{connection.original.destination, IPPROTO_UDP, connection.original.destinationPort};
    if (!changed.contains(port)) return false;
    const auto* endpoints = slots.find(port);
    Endpoint answering{connection.reply.source, connection.reply.sourcePort};
    return !endpoints || std::find(endpoints->begin(), endpoints->end(), answering) == endpoints->end();
  });
}

// The table is in place whether this succeeds or not.
void tryForgetStale(const Slots& slots, const std::set<ServicePort>& changed) {
  if (changed.empty()) return;
  try {
    forgetStale(slots, changed);
  } catch (const std::system_error& error) {
    kLog.warn("UDP connections to endpoints that are gone stay until they time out: {}", error.what());
  }
}

}  // namespace

KernelTable::KernelTable(Cidrs cidrs) : cidrs_(std::move(cidrs)), socket_(NETLINK_NETFILTER) {}

// A packet of the node's own needs some route before it meets the rules that turn it to an endpoint. Without a default
// route (no uplink at the moment) this is it.
void KernelTable::setRouteToServices() {
  if (!cidrs_.services) return;
  linux::NetlinkSocket routes(NETLINK_ROUTE);
  auto loopback = linux::findLink(routes, "lo");
  if (loopback) linux::setRoute(routes, {.destination = *cidrs_.services, .index = loopback->index});
}

void KernelTable::replace(const Slots& slots) {
  linux::nft::Batch batch;
  addWholeTable(batch, slots, cidrs_, sizes_);
  batch.commit(socket_);
  base::faultPoint("services-loaded");
  setRouteToServices();
  std::set<ServicePort> all;
  slots.forEachPort([&](const ServicePort& port, const std::vector<Endpoint>&) {
    if (port.protocol == IPPROTO_UDP) all.insert(port);
  });
  tryForgetStale(slots, all);
}

void KernelTable::apply(const Slots& slots, const Changes& changes) {
  linux::nft::Batch batch;
  addChanges(batch, slots, changes, sizes_);
  batch.commit(socket_);
  base::faultPoint("endpoints-applied");
  std::set<ServicePort> changed;
  for (const ServicePort& port : changes.ports()) {
    if (port.protocol == IPPROTO_UDP) changed.insert(port);
  }
  tryForgetStale(slots, changed);
}

void removeRouteToServices() {
  linux::NetlinkSocket socket(NETLINK_ROUTE);
  auto loopback = linux::findLink(socket, "lo");
  for (const linux::Route& route : linux::listRoutes(socket)) {
    if (route.own && loopback && route.index == loopback->index) linux::removeRoute(socket, route);
  }
}

}  // namespace wherry::proxy
