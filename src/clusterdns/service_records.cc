// The DNS specification for Kubernetes 1.1.0: from a Service and its EndpointSlices to records.
#include "clusterdns/service_records.h"

#include <algorithm>
#include <limits>
#include <map>

#include "base/strings.h"
#include "dns/record.h"

namespace wherry::clusterdns {
namespace {

using json::getBool;
using json::getInt;
using json::getString;

const json::Array& arrayAt(const json::Value& object, std::string_view path) {
  static const json::Array kEmpty;
  const json::Value* value = json::find(object, path);
  return value && value->is_array() ? value->get_array() : kEmpty;
}

Port renderPort(const json::Value& port) {
  return {base::toLower(getString(port, "name")), base::toLower(getString(port, "protocol", "TCP")),
          static_cast<uint16_t>(getInt(port, "port"))};
}

std::vector<Port> renderPorts(const json::Array& ports) {
  std::vector<Port> out;
  for (const json::Value& port : ports) out.push_back(renderPort(port));
  return out;
}

// "10.1.0.3" -> "10-1-0-3", "fd00::1" -> "fd00--1": what an endpoint without a hostname is called.
std::string addressLabel(std::string_view address) {
  std::string label(address);
  std::replace_if(
      label.begin(), label.end(), [](char c) { return c == '.' || c == ':'; }, '-');
  if (label.starts_with('-')) label.insert(0, 1, '0');
  if (label.ends_with('-')) label += '0';
  return label;
}

void addUnique(std::string& list, std::string_view address) {
  if (!AddressList(list, address.size()).contains(address)) list += address;
}

// Each address once.
std::string unique(std::string_view all, size_t each) {
  std::vector<std::string_view> addresses;
  for (size_t at = 0; at < all.size(); at += each) addresses.push_back(all.substr(at, each));
  std::sort(addresses.begin(), addresses.end());
  addresses.erase(std::unique(addresses.begin(), addresses.end()), addresses.end());
  std::string out;
  out.reserve(addresses.size() * each);
  for (std::string_view address : addresses) out += address;
  return out;
}

// A missing condition counts as ready. publishNotReadyAddresses is already in the condition.
bool isReady(const json::Value& endpoint) { return getBool(endpoint, "conditions.ready", true); }

// "a.b" -> "\1a\1b"; "" for what can't be labels.
std::string labelsOf(std::string_view name) {
  auto parsed = dns::Name::parse(name);
  if (!parsed) return {};
  std::string wire = parsed->lower().wire();
  wire.pop_back();
  return wire;
}

// The names below a Service, out of its endpoints.
class HostCollector {
 public:
  HostCollector(const dns::Name& service, std::string_view ns, const WeightOf& weights)
      : service_(service), ns_(ns), weights_(weights) {}

  void addSlice(const json::Value& slice) {
    std::vector<Port> ports = renderPorts(arrayAt(slice, "ports"));
    for (const json::Value& endpoint : arrayAt(slice, "endpoints")) {
      if (isReady(endpoint)) addEndpoint(endpoint, ports);
    }
  }

  // `withPods`: also the names of pods that are not what a host is called.
  void pack(bool withPods, ServiceRecords& records) {
    if (!withPods) pods_.clear();
    for (const auto& [name, host] : hosts_) {
      pods_.erase(name);
      records.weighted |= host.weighted;
    }
    size_t names = 0, v4 = 0, v6 = 0;
    for (auto* all : {&hosts_, &pods_}) {
      for (auto& [name, host] : *all) {
        host.v4 = unique(host.v4, 4);
        host.v6 = unique(host.v6, 16);
        names += name.size();
        v4 += host.v4.size();
        v6 += host.v6.size();
      }
    }
    records.names.reserve(names);
    records.hostV4.reserve(v4);
    records.hostV6.reserve(v6);
    records.hosts = pack(hosts_, records);
    records.pods = pack(pods_, records);
  }

 private:
  struct Building {
    std::string v4, v6;
    std::vector<Port> ports;
    unsigned weight = 0;
    bool weighted = false;
  };
  using Names = std::map<std::string, Building>;

  void addEndpoint(const json::Value& endpoint, const std::vector<Port>& ports) {
    const json::Array& addresses = arrayAt(endpoint, "addresses");
    if (addresses.empty() || !addresses[0].is_string()) return;
    // All addresses of an endpoint are interchangeable: the first is the one that counts.
    std::string_view text(addresses[0].get_string());
    auto address = dns::parseAddress(text);
    if (!address) return;
    std::string_view pod;
    if (getString(endpoint, "targetRef.kind") == "Pod") pod = getString(endpoint, "targetRef.name");
    auto weight = weights_ && !pod.empty() ? weights_(ns_, pod) : std::nullopt;
    std::string label = labelsOf(getString(endpoint, "hostname"));
    add(hosts_, label.empty() ? labelsOf(addressLabel(text)) : label, *address, ports, weight);
    if (!pod.empty()) add(pods_, labelsOf(pod), *address, ports, weight);
  }

  void add(Names& names, const std::string& name, const std::string& address, const std::vector<Port>& ports,
           std::optional<uint16_t> weight) {
    if (name.empty() || name.size() + service_.wire().size() > dns::kMaxNameWire) return;
    Building& host = names[name];
    (address.size() == 4 ? host.v4 : host.v6) += address;
    for (const Port& port : ports) {
      if (std::find(host.ports.begin(), host.ports.end(), port) == host.ports.end()) host.ports.push_back(port);
    }
    // Those that share a name get what is meant for each of them.
    if (weight) host.weight += *weight;
    host.weighted |= weight.has_value();
  }

  static std::vector<Host> pack(const Names& names, ServiceRecords& records) {
    constexpr size_t kMost = std::numeric_limits<uint16_t>::max();
    std::vector<Host> out;
    out.reserve(names.size());
    for (const auto& [name, from] : names) {
      Host& host = out.emplace_back();
      host.nameAt = static_cast<uint32_t>(records.names.size());
      host.nameSize = static_cast<uint8_t>(name.size());
      host.v4At = static_cast<uint32_t>(records.hostV4.size() / 4);
      host.v4Count = static_cast<uint16_t>(std::min(from.v4.size() / 4, kMost));
      host.v6At = static_cast<uint32_t>(records.hostV6.size() / 16);
      host.v6Count = static_cast<uint16_t>(std::min(from.v6.size() / 16, kMost));
      host.weight = static_cast<uint16_t>(std::min<size_t>(from.weight, kMost));
      host.weighted = from.weighted;
      host.ports = portSet(from.ports, records);
      records.names += name;
      records.hostV4.append(from.v4, 0, host.v4Count * size_t{4});
      records.hostV6.append(from.v6, 0, host.v6Count * size_t{16});
    }
    return out;
  }

  // Few ways to listen are shared by all endpoints.
  static uint16_t portSet(const std::vector<Port>& ports, ServiceRecords& records) {
    auto& sets = records.portSets;
    auto at = std::find(sets.begin(), sets.end(), ports);
    if (at == sets.end() && sets.size() == std::numeric_limits<uint16_t>::max()) return 0;
    if (at == sets.end()) at = sets.insert(sets.end(), ports);
    return static_cast<uint16_t>(at - sets.begin());
  }

  const dns::Name& service_;
  std::string_view ns_;
  const WeightOf& weights_;
  Names hosts_, pods_;
};

void addClusterIps(const json::Value& service, ServiceRecords& records) {
  auto add = [&](std::string_view text) {
    if (auto address = dns::parseAddress(text)) addUnique(address->size() == 4 ? records.v4 : records.v6, *address);
  };
  add(getString(service, "spec.clusterIP"));
  for (const json::Value& ip : arrayAt(service, "spec.clusterIPs")) {
    if (ip.is_string()) add(ip.get_string());
  }
}

// The addresses of hosts stand in front of those of pods, which are the same ones again.
void addHostAddresses(ServiceRecords& records) {
  size_t v4 = 0, v6 = 0;
  for (const Host& host : records.hosts) {
    v4 += host.v4Count * size_t{4};
    v6 += host.v6Count * size_t{16};
  }
  records.v4 = unique(std::string_view(records.hostV4).substr(0, v4), 4);
  records.v6 = unique(std::string_view(records.hostV6).substr(0, v6), 16);
}

const Host* findByName(const ServiceRecords& records, const std::vector<Host>& hosts, std::string_view name) {
  auto at = std::lower_bound(hosts.begin(), hosts.end(), name,
                             [&](const Host& host, std::string_view wanted) { return records.nameOf(host) < wanted; });
  return at != hosts.end() && records.nameOf(*at) == name ? &*at : nullptr;
}

}  // namespace

bool AddressList::contains(std::string_view address) const {
  for (size_t i = 0; i < size(); ++i) {
    if ((*this)[i] == address) return true;
  }
  return false;
}

const Host* ServiceRecords::findHost(std::string_view name) const {
  const Host* host = findByName(*this, hosts, name);
  return host ? host : findByName(*this, pods, name);
}

bool ServiceRecords::hasBelow(std::string_view name) const {
  return std::any_of(pods.begin(), pods.end(), [&](const Host& pod) {
    std::string_view whole = nameOf(pod);
    for (size_t at = 0; whole.size() - at > name.size(); at += 1 + static_cast<unsigned char>(whole[at])) {
      size_t next = at + 1 + static_cast<unsigned char>(whole[at]);
      if (whole.substr(next) == name) return true;
    }
    return false;
  });
}

uint16_t ServiceRecords::weightOf(const Host& host) const {
  if (host.weighted) return host.weight;
  if (weighted) return kWholeWeight;
  return static_cast<uint16_t>(std::max<size_t>(kWholeWeight / std::max<size_t>(hosts.size(), 1), 1));
}

std::optional<uint16_t> weightOf(const meta::Object& pod) {
  return base::parseInt<uint16_t>(pod.metadata().annotation(kWeightAnnotation));
}

ServiceRecordsPtr renderService(const dns::Name& domain, const json::Value& service,
                                const std::vector<meta::ObjectPtr>& slices, const WeightOf& weights) {
  std::string_view ns = getString(service, "metadata.namespace"), name = getString(service, "metadata.name");
  auto svc = domain.child("svc");
  auto below = svc ? svc->child(ns) : std::nullopt;
  auto owner = below ? below->child(name) : std::nullopt;
  if (!owner) return nullptr;
  *owner = owner->lower();
  auto records = std::make_shared<ServiceRecords>();
  records->owner = std::make_shared<const std::string>(owner->wire());

  if (getString(service, "spec.type") == "ExternalName") {
    auto target = dns::Name::parse(getString(service, "spec.externalName"));
    if (!target) return nullptr;
    records->type = ServiceRecords::Type::kExternalName;
    records->cname = target->lower().wire();
    return records;
  }
  bool headless = getString(service, "spec.clusterIP") == "None";
  HostCollector hosts(*owner, ns, weights);
  for (const meta::ObjectPtr& slice : slices) hosts.addSlice(slice->tree());
  hosts.pack(headless, *records);
  if (headless) {
    records->type = ServiceRecords::Type::kHeadless;
    addHostAddresses(*records);
  } else {
    records->ports = renderPorts(arrayAt(service, "spec.ports"));
    addClusterIps(service, *records);
  }
  return records;
}

}  // namespace wherry::clusterdns
