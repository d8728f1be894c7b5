#include "proxy/proxy.h"

#include <algorithm>
#include <map>
#include <thread>
#include <utility>

#include <fmt/format.h>
#include <linux/netlink.h>

#include "base/log.h"
#include "base/strings.h"
#include "client/pending_changes.h"
#include "linux/nft/base_chains.h"
#include "linux/nft/batch.h"
#include "linux/nft/kept_table.h"
#include "linux/nft/table_watch.h"
#include "proxy/health_checks.h"
#include "proxy/kernel_table.h"
#include "proxy/service_counters.h"
#include "proxy/service_endpoints.h"
#include "views/core_v1.h"
#include "views/discovery_v1.h"

namespace wherry::proxy {
namespace {

const base::Log kLog("proxy");

constexpr std::string_view kZone = "topology.kubernetes.io/zone";

using Clock = std::chrono::steady_clock;

std::optional<base::IpPrefix> rangeOf(const std::string& ranges, base::IpFamily family) {
  for (std::string_view text : base::split(ranges, ',')) {
    auto range = base::IpPrefix::parse(text);
    if (range && range->family() == family) return range;
  }
  return std::nullopt;
}

Node nodeOf(const ProxyOptions& options, base::IpFamily family) {
  Node node{.name = options.nodeName, .addresses = {}, .family = family};
  for (const std::string& text : options.nodeAddresses) {
    auto ip = base::IpAddress::parse(text);
    if (ip && ip->family() == family) node.addresses.insert(*ip);
  }
  return node;
}

std::vector<Node> nodesOf(const ProxyOptions& options) {
  std::vector<Node> nodes;
  for (base::IpFamily family : base::kIpFamilies) {
    if (rangeOf(options.serviceCidr, family)) nodes.push_back(nodeOf(options, family));
  }
  if (nodes.empty()) nodes.push_back(nodeOf(options, base::IpFamily::kIPv4));
  return nodes;
}

Cidrs cidrsOf(const ProxyOptions& options, const Node& node) {
  Cidrs cidrs{.services = rangeOf(options.serviceCidr, node.family),
              .pods = rangeOf(options.podCidr, node.family),
              .nodeAddresses = node.addresses,
              .family = node.family};
  for (const base::IpPrefix& prefix : options.balancerPool) {
    if (prefix.address().family() == node.family) cidrs.balancerPool.push_back(prefix);
  }
  return cidrs;
}

std::string tableName(base::IpFamily family) {
  return fmt::format("{} {}", family == base::IpFamily::kIPv4 ? "ip" : "ip6", kTable);
}

// The Services in one family: what the kernel shall have of them, and has.
class FamilyTable {
 public:
  FamilyTable(Node node, Cidrs cidrs) : node_(std::move(node)), cidrs_(std::move(cidrs)) {}

  const Node& node() const { return node_; }
  void setZone(const std::string& zone) { node_.zone = zone; }
  const std::optional<Clock::time_point>& retryAt() const { return kept_.retryAt(); }

  // On the thread of run().
  void open() {
    kernel_.emplace(cidrs_);
    kept_.open();
  }
  void repair() { kept_.repair(); }

  void update(const std::map<std::string, ServiceEndpoints>& next) {
    Changes changes(kept_.record());
    // All that goes first: a cluster IP may pass from one Service to another in one batch.
    for (const auto& [key, ports] : next) {
      for (const ServicePort& port : std::exchange(portsOf_[key], {})) {
        if (!ports.contains(port)) slots_.remove(port, changes);
      }
    }
    for (const auto& [key, ports] : next) {
      for (const auto& [port, backends] : ports) {
        slots_.set(port, backends, changes);
        portsOf_[key].push_back(port);
      }
      if (ports.empty()) portsOf_.erase(key);
    }
    kept_.apply([&] { kernel_->apply(slots_, changes); }, [&] { kernel_->replace(slots_); });
  }

 private:
  Node node_;
  const Cidrs cidrs_;
  std::optional<KernelTable> kernel_;
  Slots slots_;
  std::map<std::string, std::vector<ServicePort>> portsOf_;  // by Service: what it has in `slots_`
  linux::nft::KeptTable kept_{tableName(node_.family), kLog};
};

}  // namespace

struct Proxy::State {
  State(client::InformerFactory& informers, const ProxyOptions& options)
      : nodeName(options.nodeName),
        services(informers.informer(core_v1::Service::kResource())),
        slices(informers.informer(discovery_v1::EndpointSlice::kResource())),
        nodes(informers.informer(core_v1::Node::kResource())),
        counters(std::make_shared<ServiceCounters>(services, slices, nodesOf(options))) {
    for (Node& node : nodesOf(options)) {
      Cidrs cidrs = cidrsOf(options, node);
      if (node.family == base::IpFamily::kIPv6) health.listenOn("::");
      tables.push_back(std::make_unique<FamilyTable>(std::move(node), std::move(cidrs)));
    }
  }

  void follow();
  void followZone(const meta::ObjectPtr& before, const meta::ObjectPtr& after);
  void run(std::stop_token stop);
  void update(const std::set<std::string>& changed);
  std::optional<Clock::time_point> retryAt() const;
  ServiceEndpoints wanted(const std::string& service, const Node& node) const;
  void tellHealth(const std::string& service);

  const std::string nodeName;
  client::Informer& services;
  client::Informer& slices;
  client::Informer& nodes;
  client::PendingChanges<std::string> pending;
  base::Published<int64_t> applied{0};

  // Of the thread that run() is on.
  std::vector<std::unique_ptr<FamilyTable>> tables;
  HealthChecks health;

  const std::shared_ptr<ServiceCounters> counters;
  std::jthread thread;
};

void Proxy::State::follow() {
  slices.addIndex(kByService, [](const meta::Object& slice) {
    std::string service = proxiedServiceOf(slice);
    return service.empty() ? std::vector<std::string>{} : std::vector<std::string>{service};
  });
  services.addHandler(
      {.onChange = [this](const meta::ObjectPtr& before,
                          const meta::ObjectPtr& after) { pending.add((after ? after : before)->key().text()); },
       .onSynced = [this] { pending.finish(); },
       .onRevision = [this](int64_t) { pending.finish(); }});
  slices.addHandler({.onChange =
                         [this](const meta::ObjectPtr& before, const meta::ObjectPtr& after) {
                           if (before) pending.add(proxiedServiceOf(*before));
                           if (after) pending.add(proxiedServiceOf(*after));
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
  bool isOwn = (after ? after : before)->metadata().name() == nodeName;
  if (!isOwn || zoneOf(before) == zoneOf(after)) return;
  for (const meta::ObjectPtr& service : services.list()) pending.add(service->key().text());
  pending.finish();
}

std::optional<Clock::time_point> Proxy::State::retryAt() const {
  std::optional<Clock::time_point> first;
  for (const auto& table : tables) {
    auto at = table->retryAt();
    if (at && (!first || *at < *first)) first = at;
  }
  return first;
}

void Proxy::State::run(std::stop_token stop) {
  if (!services.waitSynced(stop) || !slices.waitSynced(stop) || !nodes.waitSynced(stop)) return;
  for (const auto& table : tables) table->open();
  for (const meta::ObjectPtr& service : services.list()) pending.add(service->key().text());
  std::vector<std::unique_ptr<linux::nft::TableWatch>> watches;
  for (const auto& table : tables) {
    watches.push_back(std::make_unique<linux::nft::TableWatch>(
        kTable, [this] { pending.finishWithoutTable(); }, table->node().family));
  }
  while (auto taken = pending.take(stop, retryAt())) {
    if (taken->tableGone) {
      for (const auto& table : tables) table->repair();
    }
    update(taken->keys);
    if (!retryAt()) applied.publish(taken->revision);
  }
}

ServiceEndpoints Proxy::State::wanted(const std::string& key, const Node& node) const {
  auto service = services.get(meta::ObjectKey::parse(key));
  if (!service) return {};
  return serviceEndpoints(service, slices.byIndex(kByService, key), node);
}

void Proxy::State::tellHealth(const std::string& key) {
  auto service = services.get(meta::ObjectKey::parse(key));
  health.set(key,
             service ? healthCheck(service, slices.byIndex(kByService, key), tables.front()->node()) : std::nullopt);
}

void Proxy::State::update(const std::set<std::string>& changed) {
  auto own = nodes.get("", nodeName);
  std::string zone = own ? std::string(own->metadata().label(kZone)) : "";
  for (const auto& table : tables) {
    table->setZone(zone);
    std::map<std::string, ServiceEndpoints> next;
    for (const std::string& key : changed) next.emplace(key, wanted(key, table->node()));
    table->update(next);
  }
  for (const std::string& key : changed) tellHealth(key);
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
  std::vector<PortReading> readings;
  for (const auto& table : state_->tables) {
    auto of = readPorts(socket, state_->wanted(service, table->node()), table->node().family);
    readings.insert(readings.end(), of.begin(), of.end());
  }
  return readings;
}

void removeProxyRules() {
  linux::NetlinkSocket socket(NETLINK_NETFILTER);
  for (base::IpFamily family : base::kIpFamilies) {
    if (!linux::nft::tableExists(socket, kTable, family)) continue;
    linux::nft::Batch batch(family);
    batch.removeTableIfAny(kTable);
    batch.commit(socket);
  }
  removeRoutes();
}

}  // namespace wherry::proxy
