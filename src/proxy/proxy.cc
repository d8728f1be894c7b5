#include "proxy/proxy.h"

#include <algorithm>
#include <map>
#include <thread>
#include <utility>

#include <linux/netlink.h>

#include "base/log.h"
#include "linux/nft/batch.h"
#include "linux/nft/table_watch.h"
#include "proxy/health_checks.h"
#include "proxy/kernel_table.h"
#include "proxy/pending_changes.h"
#include "proxy/service_counters.h"
#include "proxy/service_endpoints.h"
#include "views/core_v1.h"
#include "views/discovery_v1.h"

namespace wherry::proxy {
namespace {

const base::Log kLog("proxy");

constexpr std::string_view kZone = "topology.kubernetes.io/zone";
constexpr std::chrono::milliseconds kFirstRetry{500};
constexpr std::chrono::milliseconds kLastRetry{30000};

using Clock = std::chrono::steady_clock;

Node nodeOf(const ProxyOptions& options) {
  Node node{.name = options.nodeName, .addresses = {}};
  for (const std::string& text : options.nodeAddresses) {
    if (auto ip = linux::Ipv4Address::parse(text)) node.addresses.insert(*ip);
  }
  return node;
}

}  // namespace

struct Proxy::State {
  State(client::InformerFactory& informers, const ProxyOptions& options)
      : node(nodeOf(options)),
        serviceCidr(linux::Ipv4Prefix::parse(options.serviceCidr)),
        podCidr(linux::Ipv4Prefix::parse(options.podCidr)),
        balancerPool(options.balancerPool),
        services(informers.informer(core_v1::Service::kResource())),
        slices(informers.informer(discovery_v1::EndpointSlice::kResource())),
        nodes(informers.informer(core_v1::Node::kResource())),
        counters(std::make_shared<ServiceCounters>(services, slices, node)) {}

  void follow();
  void followZone(const meta::ObjectPtr& before, const meta::ObjectPtr& after);
  void run(std::stop_token stop);
  void update(const std::set<std::string>& changed);
  void apply(const Changes& changes);
  void replace();
  ServiceEndpoints wanted(const std::string& service) const;
  void tellHealth(const std::string& service);

  Node node;  // its zone is of the thread that run() is on
  const std::optional<linux::Ipv4Prefix> serviceCidr;
  const std::optional<linux::Ipv4Prefix> podCidr;
  const std::vector<linux::Ipv4Prefix> balancerPool;
  client::Informer& services;
  client::Informer& slices;
  client::Informer& nodes;
  PendingChanges pending;
  base::Published<int64_t> applied{0};

  // Of the thread that run() is on.
  std::optional<KernelTable> kernel;
  Slots slots;
  HealthChecks health;
  std::map<std::string, std::vector<ServicePort>> portsOf;  // by Service: what it has in `slots`
  std::optional<Clock::time_point> retryAt;                 // the table is not what `slots` says; set until it is again
  std::chrono::milliseconds retryDelay = kFirstRetry;

  const std::shared_ptr<ServiceCounters> counters;
  std::jthread thread;
};

void Proxy::State::follow() {
  slices.addIndex(kByService, [](const meta::Object& slice) {
    std::string service = serviceKeyOf(slice);
    return service.empty() ? std::vector<std::string>{} : std::vector<std::string>{service};
  });
  services.addHandler(
      {.onChange = [this](const meta::ObjectPtr& before,
                          const meta::ObjectPtr& after) { pending.add((after ? after : before)->key().text()); },
       .onSynced = [this] { pending.finish(); },
       .onRevision = [this](int64_t) { pending.finish(); }});
  slices.addHandler({.onChange =
                         [this](const meta::ObjectPtr& before, const meta::ObjectPtr& after) {
                           if (before) pending.add(serviceKeyOf(*before));
                           if (after) pending.add(serviceKeyOf(*after));
                         },
                     .onSynced = [this] { pending.finish(); },
                     .onRevision = [this](int64_t revision) { pending.finish(revision); }});
  nodes.addHandler(
      {.onChange = [this](const meta::ObjectPtr& before, const meta::ObjectPtr& after) { followZone(before, after); },
       .onSynced = {},
       .onRevision = {}});
}

// Hints mean other endpoints then.
void Proxy::State::followZone(const meta::ObjectPtr& before, const meta::ObjectPtr& after) {
  auto zoneOf = [](const auto& object) { return object ? object->metadata().label(kZone) : std::string_view(); };
  bool isOwn = (after ? after : before)->metadata().name() == node.name;
  if (!isOwn || zoneOf(before) == zoneOf(after)) return;
  for (const meta::ObjectPtr& service : services.list()) pending.add(service->key().text());
  pending.finish();
}

void Proxy::State::run(std::stop_token stop) {
  if (!services.waitSynced(stop) || !slices.waitSynced(stop) || !nodes.waitSynced(stop)) return;
  kernel.emplace(
      Cidrs{.services = serviceCidr, .pods = podCidr, .nodeAddresses = node.addresses, .balancerPool = balancerPool});
  for (const meta::ObjectPtr& service : services.list()) pending.add(service->key().text());
  retryAt = Clock::now();  // the first table is written as a repair is: whole
  linux::nft::TableWatch watch(kTable, [this] { pending.finishWithoutTable(); });
  while (auto taken = pending.take(stop, retryAt)) {
    if (taken->tableGone && !retryAt) {
      kLog.warn("somebody removed table ip {}, or changed it; writing it anew", kTable);
      retryAt = Clock::now();
    }
    update(taken->services);
    if (!retryAt) applied.publish(taken->revision);
  }
}

ServiceEndpoints Proxy::State::wanted(const std::string& key) const {
  auto service = services.get(meta::ObjectKey::parse(key));
  if (!service) return {};
  return serviceEndpoints(service, slices.byIndex(kByService, key), node);
}

void Proxy::State::tellHealth(const std::string& key) {
  auto service = services.get(meta::ObjectKey::parse(key));
  health.set(key, service ? healthCheck(service, slices.byIndex(kByService, key), node) : std::nullopt);
}

void Proxy::State::update(const std::set<std::string>& changed) {
  Changes changes(retryAt ? Changes::Record::kNothing : Changes::Record::kEverything);
  auto own = nodes.get("", node.name);
  node.zone = own ? std::string(own->metadata().label(kZone)) : "";
  std::map<std::string, ServiceEndpoints> next;
  for (const std::string& key : changed) next.emplace(key, wanted(key));
  // All that goes first: a cluster IP may pass from one Service to another in one batch.
  for (const auto& [key, ports] : next) {
    for (const ServicePort& port : std::exchange(portsOf[key], {})) {
      if (!ports.contains(port)) slots.remove(port, changes);
    }
  }
  for (const auto& [key, ports] : next) {
    for (const auto& [port, backends] : ports) {
      slots.set(port, backends, changes);
      portsOf[key].push_back(port);
    }
    if (ports.empty()) portsOf.erase(key);
  }
  apply(changes);
  for (const std::string& key : changed) tellHealth(key);
}

void Proxy::State::apply(const Changes& changes) {
  if (retryAt && Clock::now() < *retryAt) return;
  if (retryAt) return replace();
  try {
    kernel->apply(slots, changes);
  } catch (const std::exception& error) {
    kLog.warn("{}; writing the whole table", error.what());
    replace();
  }
}

void Proxy::State::replace() {
  try {
    kernel->replace(slots);
    retryAt.reset();
    retryDelay = kFirstRetry;
  } catch (const std::exception& error) {
    kLog.error("can't write table ip {}: {}; next try in {} ms", kTable, error.what(), retryDelay.count());
    retryAt = Clock::now() + retryDelay;
    retryDelay = std::min(retryDelay * 2, kLastRetry);
  }
}

Proxy::Proxy(client::InformerFactory& informers, const ProxyOptions& options)
    : state_(std::make_unique<State>(informers, options)) {
  state_->follow();
  showInMetrics(state_->counters);
}

Proxy::~Proxy() { stop(); }

void Proxy::start() {
  state_->thread = std::jthread([state = state_.get()](std::stop_token stop) { state->run(stop); });
}

void Proxy::stop() { state_->thread = {}; }

const base::Published<int64_t>& Proxy::applied() const { return state_->applied; }

std::vector<PortReading> Proxy::readBack(const std::string& service) const {
  linux::NetlinkSocket socket(NETLINK_NETFILTER);
  return readPorts(socket, state_->wanted(service));
}

void removeProxyRules() {
  linux::NetlinkSocket socket(NETLINK_NETFILTER);
  linux::nft::Batch batch;
  batch.removeTableIfAny(kTable);
  batch.commit(socket);
  removeRoutes();
}

}  // namespace wherry::proxy
