#include "proxy/announcer.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <optional>
#include <system_error>
#include <thread>

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/eventfd.h>

#include "base/fd.h"
#include "base/log.h"
#include "linux/arp.h"
#include "linux/links.h"
#include "linux/ndp.h"
#include "linux/service_addresses.h"
#include "linux/sysctls.h"
#include "proxy/announcements.h"
#include "proxy/service_counters.h"
#include "proxy/service_endpoints.h"
#include "views/core_v1.h"
#include "views/discovery_v1.h"

namespace wherry::proxy {
namespace {

const base::Log kLog("announcer");
constexpr const char* kPooled = "proxy/pooled";

using Addresses = std::set<base::IpAddress>;

// A link with a network of its own, of one family or both: ports of a bridge and the links of pods have none.
struct Neighbourhood {
  linux::Link link;
  std::set<base::IpFamily> families;
};
using Links = std::map<int, Neighbourhood>;

Links neighbouringLinks() {
  linux::NetlinkSocket socket(NETLINK_ROUTE);
  std::map<int, std::set<base::IpFamily>> numbered;
  for (const linux::InterfaceAddress& address : linux::listAddresses(socket)) {
    bool own = address.global && !linux::isServiceAddress(address);
    if (own) numbered[address.index].insert(address.address.family());
  }
  Links links;
  for (linux::Link& link : linux::listLinks(socket)) {
    auto families = numbered.find(link.index);
    if (families != numbered.end() && !link.loopback) links[link.index] = {std::move(link), families->second};
  }
  return links;
}

std::set<linux::ServiceAddress> placesOf(const Addresses& addresses, const Links& links) {
  std::set<linux::ServiceAddress> places;
  for (base::IpAddress address : addresses) {
    if (address.family() == base::IpFamily::kIPv4) places.insert({address, 0});
    for (const auto& [index, neighbours] : links) {
      bool isAsked = address.family() == base::IpFamily::kIPv6 && neighbours.families.contains(base::IpFamily::kIPv6);
      if (isAsked) places.insert({address, index});
    }
  }
  return places;
}

Addresses ofFamily(base::IpFamily family, const Addresses& addresses) {
  Addresses some;
  std::copy_if(addresses.begin(), addresses.end(), std::inserter(some, some.end()),
               [&](base::IpAddress address) { return address.family() == family; });
  return some;
}

// Then the kernel doesn't answer for what is on lo, and leaves it to the administrator to say why.
void warnOfSilence(const linux::Link& link) {
  for (const std::string& name : {std::string("all"), link.name}) {
    std::string setting = "net/ipv4/conf/" + name + "/arp_ignore";
    if (linux::readSysctl(setting) != "0") {
      kLog.warn("{} is not 0: neighbours on {} get no answer when they ask for a Service's address", setting,
                link.name);
      return;
    }
  }
}

void tell(const Neighbourhood& neighbours, const Addresses& addresses) {
  const linux::Link& link = neighbours.link;
  try {
    for (base::IpFamily family : neighbours.families) {
      Addresses some = ofFamily(family, addresses);
      if (some.empty()) continue;
      if (family == base::IpFamily::kIPv6) {
        linux::announceByNdp(link, some);
      } else {
        linux::announceByArp(link, some);
        warnOfSilence(link);
      }
    }
  } catch (const std::system_error& error) {
    kLog.warn("announcing addresses of Services on {}: {}", link.name, error.what());
  }
}

// What of a Node decides who announces.
bool sameCandidate(const meta::ObjectPtr& before, const meta::ObjectPtr& after) {
  return before && after && announcingNodes({before}) == announcingNodes({after});
}

}  // namespace

struct Announcer::State {
  State(client::InformerFactory& informers, AnnouncerOptions given)
      : options(std::move(given)),
        services(informers.informer(core_v1::Service::kResource())),
        slices(informers.informer(discovery_v1::EndpointSlice::kResource())),
        nodes(informers.informer(core_v1::Node::kResource())),
        wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (!wake) base::throwErrno("eventfd");
  }

  void follow();
  void wakeUp();
  bool isLocal(const meta::Object& slice) const;
  void run(std::stop_token stop);
  void waitForChange(linux::NetlinkListener& notifications);
  void settle();
  static void take(const std::set<linux::ServiceAddress>& places);
  Addresses wanted() const;
  std::set<std::string> nodesWithEndpoints(const std::string& service) const;

  const AnnouncerOptions options;
  client::Informer& services;
  client::Informer& slices;
  client::Informer& nodes;
  base::Fd wake;

  // Of the thread that run() is on.
  Addresses announced;
  Links links;
  std::jthread thread;
};

void Announcer::State::follow() {
  services.addIndex(kPooled, [pool = options.pool](const meta::Object& service) {
    return pooledAddresses(service, pool).empty() ? std::vector<std::string>{} : std::vector<std::string>{kPooled};
  });
  slices.addIndex(kByService, [](const meta::Object& slice) {
    std::string service = proxiedServiceOf(slice);
    return service.empty() ? std::vector<std::string>{} : std::vector<std::string>{service};
  });
  auto onService = [this](const meta::ObjectPtr& before, const meta::ObjectPtr& after) {
    auto isPooled = [&](const auto& service) { return service && !pooledAddresses(*service, options.pool).empty(); };
    if (isPooled(before) || isPooled(after)) wakeUp();
  };
  auto onSlice = [this](const meta::ObjectPtr& before, const meta::ObjectPtr& after) {
    if (isLocal(after ? *after : *before)) wakeUp();
  };
  auto onNode = [this](const meta::ObjectPtr& before, const meta::ObjectPtr& after) {
    if (!sameCandidate(before, after)) wakeUp();
  };
  services.addHandler({.onChange = onService, .onSynced = {}, .onRevision = {}});
  slices.addHandler({.onChange = onSlice, .onSynced = {}, .onRevision = {}});
  nodes.addHandler({.onChange = onNode, .onSynced = {}, .onRevision = {}});
}

void Announcer::State::wakeUp() { ::eventfd_write(wake.get(), 1); }

bool Announcer::State::isLocal(const meta::Object& slice) const {
  auto service = services.get(meta::ObjectKey::parse(proxiedServiceOf(slice)));
  if (!service || pooledAddresses(*service, options.pool).empty()) return false;
  return core_v1::Service(service).spec().externalTrafficPolicy() == "Local";
}

std::set<std::string> Announcer::State::nodesWithEndpoints(const std::string& service) const {
  std::set<std::string> names;
  for (const meta::ObjectPtr& object : slices.byIndex(kByService, service)) {
    for (auto endpoint : discovery_v1::EndpointSlice(object).endpoints()) {
      if (endpoint.conditions().readyOr(true)) names.emplace(endpoint.nodeName());
    }
  }
  return names;
}

Addresses Announcer::State::wanted() const {
  return decideAnnounced(services.byIndex(kPooled, kPooled),
                         {.nodeName = options.nodeName,
                          .pool = options.pool,
                          .nodes = nodes.list(),
                          .nodesWithEndpoints = [this](const std::string& key) { return nodesWithEndpoints(key); }});
}

void Announcer::State::settle() {
  auto now = wanted();
  Links before = std::exchange(links, now.empty() ? Links() : neighbouringLinks());
  take(placesOf(now, links));
  Addresses fresh;
  std::set_difference(now.begin(), now.end(), announced.begin(), announced.end(), std::inserter(fresh, fresh.end()));
  announced = std::move(now);
  for (const auto& [index, neighbours] : links) {
    if (!neighbours.link.findsNeighbours) continue;
    const Neighbourhood& last = before[index];  // of one that is new: without neighbours
    bool cameUp =
        !last.link.findsNeighbours || last.link.mac != neighbours.link.mac || last.families != neighbours.families;
    if (!fresh.empty() || cameUp) tell(neighbours, cameUp ? announced : fresh);
  }
}

void Announcer::State::take(const std::set<linux::ServiceAddress>& places) {
  auto there = linux::listServiceAddresses();
  for (const linux::ServiceAddress& place : there) {
    if (!places.contains(place)) linux::removeServiceAddress(place);
  }
  for (const linux::ServiceAddress& place : places) {
    if (!there.contains(place)) linux::addServiceAddress(place);
  }
}

// Also consumes what the kernel has told meanwhile: the links of a pod change a few times.
void Announcer::State::waitForChange(linux::NetlinkListener& notifications) {
  bool matters = false;
  while (!matters) {
    bool heard = notifications.next(wake.get(), [&](uint16_t type, std::string_view payload) {
      auto link = linux::readFixed<ifinfomsg>(payload);
      bool isAddress = type == RTM_NEWADDR || type == RTM_DELADDR;
      // A link without an address of its own is none of ours; it has been heard of when it got one.
      bool isOurs = link && (type == RTM_NEWLINK || type == RTM_DELLINK) && links.contains(link->ifi_index);
      matters = matters || isAddress || isOurs;
    });
    if (!heard) break;
  }
  eventfd_t count;
  if (!matters) ::eventfd_read(wake.get(), &count);
}

void Announcer::State::run(std::stop_token stop) {
  for (client::Informer* informer : {&services, &slices, &nodes}) {
    if (!informer->waitSynced(stop)) return;
  }
  linux::NetlinkListener notifications(NETLINK_ROUTE, {RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR});
  while (!stop.stop_requested()) {
    try {
      settle();
    } catch (const std::system_error& error) {
      kLog.error("addresses of Services: {}", error.what());
    }
    waitForChange(notifications);
  }
}

Announcer::Announcer(client::InformerFactory& informers, AnnouncerOptions options)
    : state_(std::make_unique<State>(informers, std::move(options))) {
  state_->follow();
}

Announcer::~Announcer() { stop(); }

void Announcer::start() {
  state_->thread = std::jthread([state = state_.get()](std::stop_token stop) {
    try {
      state->run(stop);
    } catch (const std::system_error& error) {
      kLog.error("no longer announcing addresses of Services: {}", error.what());
    }
  });
}

void Announcer::stop() {
  if (!state_->thread.joinable()) return;
  state_->thread.request_stop();
  state_->wakeUp();
  state_->thread.join();
}

void removeAnnouncedAddresses() {
  for (const linux::ServiceAddress& place : linux::listServiceAddresses()) linux::removeServiceAddress(place);
}

}  // namespace wherry::proxy
