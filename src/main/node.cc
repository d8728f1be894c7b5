#include "main/node.h"

#include <filesystem>
#include <vector>

#include "base/ip_address.h"
#include "base/log.h"
#include "base/strings.h"
#include "clusterdns/cluster_dns.h"
#include "controllers/address_ranges.h"
#include "ingress/front_door.h"
#include "kubelet/kubelet.h"
#include "linux/node_addresses.h"
#include "main/host_resolver.h"
#include "main/ip_families.h"
#include "network/pod_network.h"
#include "network/return_path.h"
#include "policy/enforcement.h"
#include "proxy/announcer.h"
#include "proxy/proxy.h"

namespace wherry::main {
namespace {

const base::Log kLog("node");

constexpr std::chrono::hours kPlaceholderLife{24 * 365};

// Whose questions of the cluster DNS are the cluster's own.
std::vector<std::string> clusterPrefixes(const ServerOptions& options) {
  std::vector<std::string> prefixes;
  for (const std::string* list : {&options.clusterCidr, &options.serviceCidr, &options.nodeIps}) {
    for (std::string_view text : base::split(*list, ',')) prefixes.emplace_back(text);
  }
  return prefixes;
}

std::vector<std::string> ownAddresses(const ServerOptions& options) {
  std::vector<std::string> addresses = {options.clusterDns};
  for (std::string_view ip : base::split(options.nodeIps, ',')) addresses.emplace_back(ip);
  for (const auto& address : linux::readNodeAddresses().addresses) addresses.push_back(address.address.text());
  return addresses;
}

std::vector<base::IpPrefix> balancerPool(const ServerOptions& options) {
  std::vector<base::IpPrefix> prefixes;
  for (const auto& [first, last] : controllers::AddressRanges::parse(options.loadBalancerPool).ends()) {
    auto from = base::IpAddress::parse(first), to = base::IpAddress::parse(last);
    if (!from || !to) continue;
    for (base::IpPrefix prefix : base::coverRange(*from, *to)) prefixes.push_back(prefix);
  }
  return prefixes;
}

std::vector<std::string> partsOf(const std::string& list) {
  std::vector<std::string> parts;
  for (std::string_view part : base::split(list, ',')) parts.emplace_back(part);
  return parts;
}

// What clients see that ask for a name without a certificate.
std::string placeholderCertificate() {
  auto now = base::Clock::system().now();
  auto authority = pki::newAuthority("wherry placeholder authority", kPlaceholderLife, now);
  auto pair = pki::issueCertificate(authority,
                                    {.usage = pki::Usage::kServer,
                                     .commonName = "wherry ingress placeholder",
                                     .organizations = {},
                                     .names = {"ingress.local"},
                                     .lifetime = kPlaceholderLife},
                                    now);
  return pair.certificatePem + pair.keyPem;
}

}  // namespace

struct Node::State {
  State(const ServerOptions& o, ControlPlane& c, NodeDirectory& n, Readiness& r)
      : options(o),
        controlPlane(c),
        nodes(n),
        readiness(r),
        network({.podCidr = nodeRanges(o.clusterCidr, o.maxPods),
                 .clusterCidr = o.clusterCidr,
                 .serviceCidr = o.serviceCidr,
                 .dataDir = o.dataDir + "/network",
                 .sysctlRecord = sysctlRecord(o)}),
        returnPath(nodeRanges(o.clusterCidr, o.maxPods)),
        client(c.api().newClient({"system:node:" + o.nodeName, {"system:nodes", "system:masters"}, ""}, "kubelet")) {}

  void makeProxy() {
    if (!options.enabled("proxy")) return;
    proxy = std::make_unique<proxy::Proxy>(
        controlPlane.informers(), proxy::ProxyOptions{.nodeName = options.nodeName,
                                                      .nodeAddresses = ownAddresses(options),
                                                      .podCidr = nodeRanges(options.clusterCidr, options.maxPods),
                                                      .serviceCidr = options.serviceCidr,
                                                      .balancerPool = balancerPool(options)});
    announcer = std::make_unique<proxy::Announcer>(
        controlPlane.informers(), proxy::AnnouncerOptions{.nodeName = options.nodeName, .pool = balancerPool(options)});
    applied.push_back(&proxy->applied());
    readiness.set("proxy", false, "starting");
  }

  void makePolicy() {
    if (!options.enabled("policy")) return;
    policy = std::make_unique<policy::Enforcement>(
        controlPlane.informers(),
        policy::EnforcementOptions{.podCidr = nodeRanges(options.clusterCidr, options.maxPods)});
    readiness.set("policy", false, "starting");
  }

  void makeDns() {
    if (!options.enabled("dns")) return;
    dns = std::make_unique<clusterdns::ClusterDns>(
        controlPlane.api().client(), controlPlane.informers(),
        clusterdns::ClusterDnsOptions{.domain = options.clusterDomain,
                                      .address = options.clusterDns,
                                      .nodeName = options.nodeName,
                                      .nodeIp = options.nodeIp,
                                      .answers = {.ttl = options.dns.ttl, .headlessTtl = options.dns.headlessTtl},
                                      .forward = forwardConfig(options.dns),
                                      .cache = cacheLimits(options.dns),
                                      .searches = options.dns.searches,
                                      .limits = serviceLimits(options.dns, clusterPrefixes(options))});
    applied.push_back(&dns->applied());
    readiness.set("dns", false, "starting");
  }

  // Listens in both families where the machine has both.
  void makeIngress() {
    if (!options.enabled("ingress")) return;
    ingress::Settings settings{.directory = options.runDir + "/ingress",
                               .proxyProtocolFrom = options.ingress.proxyProtocolFrom,
                               .statusAddress = options.ingress.statusAddress,
                               .accessLog = !options.ingress.accessLog.empty(),
                               .podRanges = partsOf(options.clusterCidr)};
    if (std::filesystem::exists("/proc/net/if_inet6")) settings.addresses.emplace_back("::");
    ingress = std::make_unique<ingress::FrontDoor>(
        controlPlane.api().client(), controlPlane.informers(),
        client::EventRecorder(controlPlane.api().client(), "wherry-ingress", options.nodeName),
        ingress::FrontDoorOptions{
            .settings = settings,
            .nodeAddresses = partsOf(options.nodeIps),
            .httpPort = options.ingress.httpPort,
            .httpsPort = options.ingress.httpsPort,
            .accessLog = options.ingress.accessLog,
            .defaultCertificate = placeholderCertificate,
            .returnPath = {.open = [this] { returnPath.open(); }, .close = [this] { returnPath.close(); }}});
    applied.push_back(&ingress->applied());
  }

  // A machine whose file can't be written is no worse a node.
  void beFoundOnHost() const {
    try {
      if (options.dns.resolveOnHost) {
        resolveOnHost(options.clusterDns, options.clusterDomain);
      } else {
        stopResolvingOnHost();
      }
    } catch (const std::exception& error) {
      kLog.error("the names of the cluster on the node itself: {}", error.what());
    }
  }
  // Before the DNS stops.
  void leaveHost() const {
    try {
      if (dns && options.dns.resolveOnHost) stopResolvingOnHost();
    } catch (const std::exception& error) {
      kLog.error("the names of the cluster on the node itself: {}", error.what());
    }
  }

  void makeKubelet() {
    if (!options.enabled("kubelet")) return;
    kubelet = std::make_unique<kubelet::Kubelet>(
        kubelet::KubeletOptions{.client = *client,
                                .informers = controlPlane.informers(),
                                .network = network,
                                .nodeName = options.nodeName,
                                .nodeIp = options.nodeIps,
                                .podCidr = nodeRanges(options.clusterCidr, options.maxPods),
                                .maxPods = options.maxPods,
                                .podPidsLimit = options.podPidsLimit,
                                .dataDir = options.dataDir,
                                .runDir = options.runDir,
                                .logDir = options.logDir,
                                .eviction = kubelet::parseEviction(options.eviction),
                                .shutdown = shutdownPeriodsOf(options),
                                .podManifestPath = options.podManifestPath,
                                .registriesFile = options.registries,
                                .clusterDns = options.clusterDns,
                                .clusterDomain = options.clusterDomain,
                                .applied = applied,
                                .judged = policy ? &policy->applied() : nullptr});
    readiness.set("kubelet", false, "starting");
    followNode();
  }

  // The kubelet is ready once its Node says so.
  void followNode() {
    const meta::Resource nodeResource{"", "v1", "nodes", "Node", meta::Scope::kCluster};
    controlPlane.informers().informer(nodeResource).addHandler({[this](const auto&, const meta::ObjectPtr& node) {
      if (!node || node->metadata().name() != options.nodeName) return;
      const json::Value* conditions = json::find(node->tree(), "status.conditions");
      if (!conditions || !conditions->is_array()) return;
      for (const json::Value& condition : conditions->get_array()) {
        if (json::getString(condition, "type") != "Ready") continue;
        bool ready = json::getString(condition, "status") == "True";
        readiness.set("kubelet", ready, ready ? "ready" : std::string(json::getString(condition, "message")));
      }
    }});
  }

  const ServerOptions& options;
  ControlPlane& controlPlane;
  NodeDirectory& nodes;
  Readiness& readiness;
  network::PodNetwork network;
  network::ReturnPath returnPath;
  std::unique_ptr<client::Client> client;
  std::vector<const base::Published<int64_t>*> applied;
  std::unique_ptr<proxy::Proxy> proxy;
  std::unique_ptr<proxy::Announcer> announcer;
  std::unique_ptr<policy::Enforcement> policy;
  std::unique_ptr<clusterdns::ClusterDns> dns;
  std::unique_ptr<ingress::FrontDoor> ingress;
  std::unique_ptr<kubelet::Kubelet> kubelet;
};

Node::Node(const ServerOptions& options, ControlPlane& controlPlane, NodeDirectory& nodes, Readiness& readiness)
    : state_(std::make_unique<State>(options, controlPlane, nodes, readiness)) {
  state_->makeProxy();
  state_->makePolicy();
  state_->makeDns();
  state_->makeIngress();
  state_->makeKubelet();
}

Node::~Node() {
  state_->leaveHost();
  state_->nodes.remove(state_->options.nodeName);
  state_->controlPlane.stopInformers();
}

void Node::start() {
  if (state_->dns) {
    state_->dns->start();
    state_->beFoundOnHost();
    state_->readiness.setReady("dns");
  }
  if (state_->proxy) {
    state_->proxy->start();
    state_->announcer->start();
    state_->readiness.setReady("proxy");
  }
  if (state_->policy) {
    state_->policy->start();
    state_->readiness.setReady("policy");
  }
  if (state_->ingress) state_->ingress->start();
  if (state_->kubelet) {
    state_->network.start();
    state_->kubelet->start();
    state_->nodes.add(state_->options.nodeName, state_->kubelet->connection());
  }
}

kubelet::ImageStore* Node::images() { return state_->kubelet ? &state_->kubelet->images() : nullptr; }

kubelet::ImagePuller* Node::puller() { return state_->kubelet ? &state_->kubelet->puller() : nullptr; }

const proxy::Proxy* Node::proxy() const { return state_->proxy.get(); }

std::function<void()> Node::shutDownPods() {
  if (!state_->kubelet) return {};
  return [kubelet = state_->kubelet.get()] { kubelet->shutDownPods(); };
}

kubelet::ImageGarbage* Node::imageGarbage() { return state_->kubelet ? &state_->kubelet->imageGarbage() : nullptr; }

}  // namespace wherry::main
