#include "proxy/announcer.h"

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

using Links = std::map<int, linux::Link>;

// Those with a network of their own: ports of a bridge and the links of pods have none.
Links neighbouringLinks() {
  linux::NetlinkSocket socket(NETLINK_ROUTE);
  std::set<int> numbered;
  for (const linux::InterfaceAddress& address : linux::listAddresses(socket)) {
    bool isV4 = address.address.family() == base::IpFamily::kIPv4;
    if (isV4 && address.global) numbered.insert(address.index);
  }
  Links links;
  for (linux::Link& link : linux::listLinks(socket)) {
    if (numbered.contains(link.index)) links.emplace(link.index, std::move(link));
  }
  return links;
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

void tell(const linux::Link& link, const std::set<base::IpAddress>& addresses) {
  try {
    linux::announceByArp(link, addresses);
    warnOfSilence(link);
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
  std::set<base::IpAddress> wanted() const;
  std::set<std::string> nodesWithEndpoints(const std::string& service) const;

  const AnnouncerOptions options;
  client::Informer& services;
  client::Informer& slices;
  client::Informer& nodes;
  base::Fd wake;

  // Of the thread that run() is on.
  std::set<base::IpAddress> announced;
  Links links;
  std::jthread thread;
};

void Announcer::State::follow() {
  services.addIndex(kPooled, [pool = options.pool](const meta::Object& service) {
    return pooledAddresses(service, pool).empty() ? std::vector<std::string>{} : std::vector<std::string>{kPooled};
  });
  slices.addIndex(kByService, [](const meta::Object& slice) {
    std::string service = serviceKeyOf(slice);
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
  auto service = services.get(meta::ObjectKey::parse(serviceKeyOf(slice)));
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

std::set<base::IpAddress> Announcer::State::wanted() const {
  return decideAnnounced(services.byIndex(kPooled, kPooled),
                         {.nodeName = options.nodeName,
                          .pool = options.pool,
                          .nodes = nodes.list(),
                          .nodesWithEndpoints = [this](const std::string& key) { return nodesWithEndpoints(key); }});
}

void Announcer::State::settle() {
  auto now = wanted();
  auto there = linux::listServiceAddresses();
  std::set<base::IpAddress> fresh;
  for (base::IpAddress address : there) {
    if (!now.contains(address)) linux::removeServiceAddress(address);
  }
  for (base::IpAddress address : now) {
    if (!there.contains(address)) linux::addServiceAddress(address);
    if (!announced.contains(address)) fresh.insert(address);
  }
  announced = std::move(now);
  Links before = std::exchange(links, announced.empty() ? Links() : neighbouringLinks());
  for (const auto& [index, link] : links) {
    if (!link.asksByArp) continue;
    bool cameUp = !before.contains(index) || !before[index].asksByArp || before[index].mac != link.mac;
    if (!fresh.empty() || cameUp) tell(link, cameUp ? announced : fresh);
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
  linux::NetlinkListener notifications(NETLINK_ROUTE, {RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR});
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
  for (base::IpAddress address : linux::listServiceAddresses()) linux::removeServiceAddress(address);
}

}  // namespace wherry::proxy
