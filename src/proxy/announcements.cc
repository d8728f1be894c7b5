#include "proxy/announcements.h"

#include <algorithm>

#include "views/core_v1.h"

namespace wherry::proxy {
namespace {

constexpr std::string_view kExcluded = "node.kubernetes.io/exclude-from-external-load-balancers";

bool isPooled(base::IpAddress address, const std::vector<base::IpPrefix>& pool) {
  return std::any_of(pool.begin(), pool.end(), [&](const auto& prefix) { return prefix.contains(address); });
}

// FNV-1a, whose last bytes hardly reach the high bits, stirred as MurmurHash3 ends. The same on every node and in every
// version.
uint64_t hashOf(std::string_view text) {
  uint64_t hash = 0xcbf29ce484222325U;
  for (unsigned char byte : text) hash = (hash ^ byte) * 0x100000001b3U;
  for (uint64_t factor : {0xff51afd7ed558ccdU, 0xc4ceb9fe1a85ec53U}) hash = (hash ^ hash >> 33) * factor;
  return hash ^ hash >> 33;
}

bool isReady(const core_v1::Node& node) {
  for (const auto condition : node.status().conditions()) {
    if (condition.type() == "Ready") return condition.status() == "True";
  }
  return false;
}

std::set<std::string> both(const std::set<std::string>& a, const std::set<std::string>& b) {
  std::set<std::string> common;
  std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), std::inserter(common, common.end()));
  return common;
}

}  // namespace

std::set<base::IpAddress> pooledAddresses(const meta::Object& object, const std::vector<base::IpPrefix>& pool) {
  std::set<base::IpAddress> addresses;
  const auto* type = json::find(object.tree(), "spec.type");
  const auto* ingress = json::find(object.tree(), "status.loadBalancer.ingress");
  if (!type || *type != "LoadBalancer" || !ingress || !ingress->is_array()) return addresses;
  for (const json::Value& entry : ingress->get_array()) {
    auto address = base::IpAddress::parse(json::getString(entry, "ip"));
    if (!address || json::getString(entry, "ipMode") == "Proxy") continue;
    if (isPooled(*address, pool)) addresses.insert(*address);
  }
  return addresses;
}

std::string electAnnouncer(base::IpAddress address, const std::set<std::string>& candidates) {
  auto rank = [&](const std::string& node) { return hashOf(node + "/" + address.text()); };
  auto first = std::min_element(candidates.begin(), candidates.end(),
                                [&](const auto& a, const auto& b) { return rank(a) < rank(b); });
  return first == candidates.end() ? "" : *first;
}

std::set<std::string> announcingNodes(const std::vector<meta::ObjectPtr>& nodes) {
  std::set<std::string> all, ready;
  for (const meta::ObjectPtr& object : nodes) {
    core_v1::Node node(object);
    if (node.metadata().labels().contains(kExcluded)) continue;
    all.emplace(node.metadata().name());
    if (isReady(node)) ready.emplace(node.metadata().name());
  }
  return ready.empty() ? all : ready;
}

std::set<base::IpAddress> decideAnnounced(const std::vector<meta::ObjectPtr>& services, const AnnouncedFrom& from) {
  std::set<std::string> nodes = from.nodes.empty() ? std::set{from.nodeName} : announcingNodes(from.nodes);
  std::set<base::IpAddress> announced;
  for (const meta::ObjectPtr& service : services) {
    auto candidates = nodes;
    if (core_v1::Service(service).spec().externalTrafficPolicy() == "Local") {
      auto withEndpoints = both(nodes, from.nodesWithEndpoints(service->key().text()));
      if (!withEndpoints.empty()) candidates = std::move(withEndpoints);
    }
    for (base::IpAddress address : pooledAddresses(*service, from.pool)) {
      if (electAnnouncer(address, candidates) == from.nodeName) announced.insert(address);
    }
  }
  return announced;
}

}  // namespace wherry::proxy
