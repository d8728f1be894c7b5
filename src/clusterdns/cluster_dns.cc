#include "clusterdns/cluster_dns.h"

#include <set>

#include "base/fault_point.h"
#include "base/guarded.h"
#include "base/log.h"
#include "client/workqueue.h"
#include "clusterdns/server.h"
#include "clusterdns/zone.h"
#include "dns/record.h"
#include "linux/links.h"

namespace wherry::clusterdns {
namespace {

const base::Log kLog("clusterdns");

const meta::Resource kServices{"", "v1", "services", "Service", meta::Scope::kNamespaced};
const meta::Resource kNamespaces{"", "v1", "namespaces", "Namespace", meta::Scope::kCluster};
const meta::Resource kSlices{"discovery.k8s.io", "v1", "endpointslices", "EndpointSlice", meta::Scope::kNamespaced};

constexpr std::string_view kServiceLabel = "kubernetes.io/service-name";
constexpr std::string_view kByService = "service";
constexpr std::string_view kSystem = "kube-system";
constexpr std::string_view kDnsName = "kube-dns";

json::Value dnsPort(std::string_view name, std::string_view protocol) {
  return {{"name", name}, {"port", 53}, {"protocol", protocol}};
}

json::Value renderDnsService(const ClusterDnsOptions& options) {
  return {
      {"apiVersion", "v1"},
      {"kind", "Service"},
      {"metadata",
       {{"name", kDnsName},
        {"namespace", kSystem},
        {"labels",
         {{"k8s-app", "kube-dns"}, {"kubernetes.io/cluster-service", "true"}, {"kubernetes.io/name", "WherryDNS"}}}}},
      {"spec",
       {{"clusterIP", options.address}, {"ports", json::Array{dnsPort("dns", "UDP"), dnsPort("dns-tcp", "TCP")}}}}};
}

json::Value renderDnsSlice(const ClusterDnsOptions& options) {
  json::Value endpoint = {{"addresses", json::Array{json::Value(options.nodeIp)}},
                          {"conditions", {{"ready", true}}},
                          {"nodeName", options.nodeName}};
  return {{"apiVersion", "discovery.k8s.io/v1"},
          {"kind", "EndpointSlice"},
          {"metadata",
           {{"name", kDnsName},
            {"namespace", kSystem},
            {"labels", {{kServiceLabel, kDnsName}, {"endpointslice.kubernetes.io/managed-by", "clusterdns.wherry"}}}}},
          {"addressType", options.nodeIp.find(':') == std::string::npos ? "IPv4" : "IPv6"},
          {"endpoints", json::Array{endpoint}},
          {"ports", json::Array{dnsPort("dns", "UDP"), dnsPort("dns-tcp", "TCP")}}};
}

meta::ObjectKey serviceOf(const meta::Object& slice) {
  return {std::string(slice.metadata().ns()), std::string(slice.metadata().label(kServiceLabel))};
}

std::string prefixLength(const std::string& address) { return address.find(':') == std::string::npos ? "/32" : "/128"; }

}  // namespace

struct ClusterDns::State {
  // The next zone in the making, which Services have to be rendered anew for it, and who serves it.
  struct Pending {
    explicit Pending(const dns::Name& domain) : builder(domain) {}
    ZoneBuilder builder;
    std::set<meta::ObjectKey> services;
    bool changed = false;
    std::unique_ptr<Server> server;
  };

  State(client::Client& c, client::InformerFactory& informers, ClusterDnsOptions o)
      : client(c),
        options(std::move(o)),
        domain(dns::Name::of(options.domain)),
        services(informers.informer(kServices)),
        slices(informers.informer(kSlices)),
        namespaces(informers.informer(kNamespaces)),
        pending(Pending(domain)) {}

  void follow() {
    slices.addIndex(std::string(kByService),
                    [](const meta::Object& slice) { return std::vector<std::string>{serviceOf(slice).text()}; });
    services.addHandler(
        {[this](const auto& before, const auto& after) { serviceChanged(*(after ? after : before), !after); }, nullptr,
         [this](int64_t) { publish(); }});
    slices.addHandler({[this](const auto& before, const auto& after) {
                         if (before) sliceChanged(*before, !after);
                         if (after) sliceChanged(*after, false);
                       },
                       nullptr,
                       [this](int64_t revision) {
                         publish();
                         applied.publish(revision);
                       }});
    namespaces.addHandler({[this](const auto& before, const auto& after) {
                             std::string name((after ? after : before)->metadata().name());
                             pending.with([&](Pending& p) {
                               p.builder.setNamespace(name, after != nullptr);
                               p.changed = true;
                             });
                             if (after && name == kSystem) ownObjects.add("all");
                           },
                           nullptr, [this](int64_t) { publish(); }});
  }

  void serviceChanged(const meta::Object& service, bool gone) {
    markDirty(service.key());
    if (gone && service.key() == meta::ObjectKey{std::string(kSystem), std::string(kDnsName)}) ownObjects.add("all");
  }

  void sliceChanged(const meta::Object& slice, bool gone) {
    markDirty(serviceOf(slice));
    if (gone && slice.key() == meta::ObjectKey{std::string(kSystem), std::string(kDnsName)}) ownObjects.add("all");
  }

  void markDirty(meta::ObjectKey key) {
    pending.with([&](Pending& p) { p.services.insert(std::move(key)); });
  }

  void publish() {
    // Within the lock, so that an older snapshot never overtakes a newer one; nothing here waits.
    pending.with([&](Pending& p) {
      if (p.services.empty() && !p.changed) return;
      for (const meta::ObjectKey& key : p.services) {
        meta::ObjectPtr service = services.get(key);
        p.builder.setService(
            key.ns, key.name,
            service ? renderService(domain, service->tree(), slices.byIndex(kByService, key.text())) : nullptr);
      }
      p.services.clear();
      p.changed = false;
      if (p.server) p.server->publish(p.builder.snapshot());
    });
  }

  // The Service that names us, and the slice that says where we are.
  void ensureOwnObjects() {
    ensure(kServices, renderDnsService(options));
    ensure(kSlices, renderDnsSlice(options));
  }

  void ensure(const meta::Resource& resource, const json::Value& object) {
    try {
      meta::ObjectPtr stored = client.get(resource, kSystem, kDnsName);
      const json::Value* endpoints = json::find(object, "endpoints");
      const json::Value* before = json::find(stored->tree(), "endpoints");
      if (!endpoints || (before && json::equal(*before, *endpoints))) return;
      // The node has another address than last time.
      json::Value moved = stored->tree();
      moved.as_object()["endpoints"] = *endpoints;
      client.update(resource, kSystem, moved);
    } catch (const meta::StatusError& error) {
      // Only when it is missing: its cluster IP is taken, so that creating it again would be invalid.
      if (!error.isNotFound()) throw;
      client.create(resource, kSystem, object);
    }
  }

  client::Client& client;
  ClusterDnsOptions options;
  dns::Name domain;
  client::Informer& services;
  client::Informer& slices;
  client::Informer& namespaces;
  base::Guarded<Pending> pending;
  base::Published<int64_t> applied;
  client::Workqueue ownObjects{"clusterdns"};
  std::unique_ptr<client::ReconcileLoop> ownLoop;
};

ClusterDns::ClusterDns(client::Client& client, client::InformerFactory& informers, ClusterDnsOptions options)
    : state_(std::make_unique<State>(client, informers, std::move(options))) {
  state_->follow();
}

ClusterDns::~ClusterDns() {
  state_->ownLoop.reset();
  std::unique_ptr<Server> server;
  state_->pending.with([&](State::Pending& p) { server = std::move(p.server); });
}

void ClusterDns::start() {
  const ClusterDnsOptions& options = state_->options;
  if (auto address = linux::Ipv4Address::parse(options.address)) linux::addLoopbackAddress(*address);
  base::faultPoint("dns-address-added");
  auto server = startServer({.address = options.address, .threads = options.threads, .resolvConf = options.resolvConf},
                            std::make_shared<const Zone>(state_->domain));
  state_->pending.with([&](State::Pending& p) {
    server->publish(p.builder.snapshot());
    p.server = std::move(server);
  });
  kLog.info("serving {} on {}{} port 53", options.domain, options.address, prefixLength(options.address));
  state_->ownLoop = std::make_unique<client::ReconcileLoop>(state_->ownObjects,
                                                            [this](const std::string&) { state_->ensureOwnObjects(); });
}

const base::Published<int64_t>& ClusterDns::applied() const { return state_->applied; }

}  // namespace wherry::clusterdns
