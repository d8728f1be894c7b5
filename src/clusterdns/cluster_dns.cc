#include "clusterdns/cluster_dns.h"

#include <set>

#include <fmt/format.h>

#include "base/clock.h"
#include "base/fault_point.h"
#include "base/guarded.h"
#include "base/log.h"
#include "client/workqueue.h"
#include "clusterdns/programming_times.h"
#include "clusterdns/query_metrics.h"
#include "clusterdns/server.h"
#include "clusterdns/zone.h"
#include "dns/record.h"
#include "linux/links.h"

namespace wherry::clusterdns {
namespace {

const base::Log kLog("clusterdns");

const meta::Resource kServices{"", "v1", "services", "Service", meta::Scope::kNamespaced};
const meta::Resource kNamespaces{"", "v1", "namespaces", "Namespace", meta::Scope::kCluster};
const meta::Resource kPods{"", "v1", "pods", "Pod", meta::Scope::kNamespaced};
const meta::Resource kConfigMaps{"", "v1", "configmaps", "ConfigMap", meta::Scope::kNamespaced};
const meta::Resource kSlices{"discovery.k8s.io", "v1", "endpointslices", "EndpointSlice", meta::Scope::kNamespaced};

constexpr std::string_view kServiceLabel = "kubernetes.io/service-name";
constexpr std::string_view kByService = "service";
constexpr std::string_view kSystem = "kube-system";
constexpr std::string_view kDnsName = "kube-dns";
constexpr std::string_view kOwnConfigMap = "metadata.name=kube-dns,metadata.namespace=kube-system";

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
    int64_t revision = 0;
    ProgrammingTimes times;
    DnsConfigMap configMap;
    std::unique_ptr<Server> server;
  };

  State(client::Client& c, client::InformerFactory& informers, ClusterDnsOptions o)
      : client(c),
        options(std::move(o)),
        domain(dns::Name::of(options.domain)),
        services(informers.informer(kServices)),
        slices(informers.informer(kSlices)),
        namespaces(informers.informer(kNamespaces)),
        pods(informers.informer(kPods)),
        configMaps(informers.informer(kConfigMaps, kOwnConfigMap)),
        pending(Pending(domain)) {}

  void follow() {
    slices.addIndex(std::string(kByService),
                    [](const meta::Object& slice) { return std::vector<std::string>{serviceOf(slice).text()}; });
    services.addHandler(
        {[this](const auto& before, const auto& after) { serviceChanged(*(after ? after : before), !after); }, nullptr,
         [this](int64_t revision) { publish(revision); }});
    slices.addHandler({[this](const auto& before, const auto& after) {
                         if (before) sliceChanged(*before, !after);
                         if (after) sliceChanged(*after, false);
                       },
                       nullptr,
                       [this](int64_t revision) {
                         publish(revision);
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
                           nullptr, [this](int64_t revision) { publish(revision); }});
    pods.addHandler({[this](const auto& before, const auto& after) { podChanged(before, after); }, nullptr,
                     [this](int64_t revision) { publish(revision); }});
    configMaps.addHandler({[this](const auto&, const auto& after) { configMapChanged(after); }, nullptr, nullptr});
  }

  void configMapChanged(const meta::ObjectPtr& configMap) {
    DnsConfigMap parsed = parseDnsConfigMap(configMap ? &configMap->tree() : nullptr);
    pending.with([&](Pending& p) {
      p.configMap = std::move(parsed);
      if (p.server) p.server->configure(p.configMap);
    });
  }

  // Of a pod's records only its weight counts, which few have: then all Services of its namespace are looked at again.
  void podChanged(const meta::ObjectPtr& before, const meta::ObjectPtr& after) {
    if (podNamespaces) podNamespaces->podChanged(before, after);
    pending.with([&](Pending& p) { p.times.podChanged(before, after, base::Clock::system()); });
    if ((before ? weightOf(*before) : std::nullopt) == (after ? weightOf(*after) : std::nullopt)) return;
    for (const meta::ObjectPtr& service : services.list((after ? after : before)->metadata().ns())) {
      markDirty(service->key());
    }
  }

  void serviceChanged(const meta::Object& service, bool gone) {
    markDirty(service.key());
    if (gone && service.key() == meta::ObjectKey{std::string(kSystem), std::string(kDnsName)}) ownObjects.add("all");
  }

  void sliceChanged(const meta::Object& slice, bool gone) {
    markDirty(serviceOf(slice));
    if (!gone) pending.with([&](Pending& p) { p.times.sliceChanged(slice, serviceOf(slice), base::Clock::system()); });
    if (gone && slice.key() == meta::ObjectKey{std::string(kSystem), std::string(kDnsName)}) ownObjects.add("all");
  }

  void markDirty(meta::ObjectKey key) {
    pending.with([&](Pending& p) { p.services.insert(std::move(key)); });
  }

  ServiceRecordsPtr render(const meta::ObjectKey& key) const {
    meta::ObjectPtr service = services.get(key);
    if (!service) return nullptr;
    auto weights = [this](std::string_view ns, std::string_view name) {
      meta::ObjectPtr pod = pods.get(ns, name);
      return pod ? weightOf(*pod) : std::nullopt;
    };
    return renderService(domain, service->tree(), slices.byIndex(kByService, key.text()), weights);
  }

  // CoreDNS's word for it, in metrics.
  std::string_view kindOf(const meta::ObjectKey& key) const {
    meta::ObjectPtr service = services.get(key);
    if (!service || json::getString(service->tree(), "spec.clusterIP") != "None") return "cluster_ip";
    bool selects = json::find(service->tree(), "spec.selector") != nullptr;
    return selects ? "headless_with_selector" : "headless_without_selector";
  }

  void publish(int64_t revision) {
    // Within the lock, so that an older snapshot never overtakes a newer one; nothing here waits.
    pending.with([&](Pending& p) {
      if (p.services.empty() && !p.changed) return;
      for (const meta::ObjectKey& key : p.services) p.builder.setService(key.ns, key.name, render(key));
      p.services.clear();
      p.changed = false;
      p.revision = revision;
      if (!p.server) return p.times.clear();
      p.server->publish(p.builder.snapshot(revision));
      base::MonotonicTime now = base::Clock::system().monotonicNow();
      for (const auto& [service, since] : p.times.take()) countProgramming(kindOf(service), now - since);
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
  client::Informer& pods;
  client::Informer& configMaps;
  std::shared_ptr<PodNamespaces> podNamespaces;  // null: nobody asks for them
  base::Guarded<Pending> pending;
  base::Published<int64_t> applied;
  client::Workqueue ownObjects{"clusterdns"};
  std::unique_ptr<client::ReconcileLoop> ownLoop;
};

ClusterDns::ClusterDns(client::Client& client, client::InformerFactory& informers, ClusterDnsOptions options)
    : state_(std::make_unique<State>(client, informers, std::move(options))) {
  if (state_->options.searches) state_->podNamespaces = std::make_shared<PodNamespaces>();
  state_->follow();
}

ClusterDns::~ClusterDns() {
  state_->ownLoop.reset();
  std::unique_ptr<Server> server;
  state_->pending.with([&](State::Pending& p) { server = std::move(p.server); });
}

void ClusterDns::start() {
  const ClusterDnsOptions& options = state_->options;
  if (auto address = base::IpAddress::parse(options.address)) linux::addLoopbackAddress(*address);
  base::faultPoint("dns-address-added");
  nameServer(fmt::format("dns://{}:53", options.address), state_->domain.text());
  auto server = startServer({.address = options.address,
                             .threads = options.threads,
                             .answers = options.answers,
                             .resolvConf = options.resolvConf,
                             .forward = options.forward,
                             .cache = options.cache,
                             .limits = options.limits,
                             .searching = state_->podNamespaces},
                            std::make_shared<const Zone>(state_->domain));
  state_->pending.with([&](State::Pending& p) {
    server->publish(p.builder.snapshot(p.revision));
    server->configure(p.configMap);
    p.server = std::move(server);
  });
  kLog.info("serving {} on {}{} port 53", options.domain, options.address, prefixLength(options.address));
  state_->ownLoop = std::make_unique<client::ReconcileLoop>(state_->ownObjects,
                                                            [this](const std::string&) { state_->ensureOwnObjects(); });
}

const base::Published<int64_t>& ClusterDns::applied() const { return state_->applied; }

}  // namespace wherry::clusterdns
