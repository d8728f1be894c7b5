// The DNS specification for Kubernetes 1.1.0: from a Service and its EndpointSlices to records.
#include <algorithm>
#include <map>

#include "clusterdns/zone.h"
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

void addUnique(std::vector<std::string>& list, const std::string& value) {
  if (std::find(list.begin(), list.end(), value) == list.end()) list.push_back(value);
}

// A missing condition counts as ready. publishNotReadyAddresses is already in the condition.
bool isReady(const json::Value& endpoint) { return getBool(endpoint, "conditions.ready", true); }

class HostCollector {
 public:
  explicit HostCollector(const dns::Name& service) : service_(service) {}

  void addSlice(const json::Value& slice) {
    std::vector<Port> ports = renderPorts(arrayAt(slice, "ports"));
    for (const json::Value& endpoint : arrayAt(slice, "endpoints")) {
      if (isReady(endpoint)) addEndpoint(endpoint, ports);
    }
  }

  std::vector<Host> take() {
    std::vector<Host> out;
    for (auto& [label, host] : hosts_) out.push_back(std::move(host));
    return out;
  }

 private:
  void addEndpoint(const json::Value& endpoint, const std::vector<Port>& ports) {
    const json::Array& addresses = arrayAt(endpoint, "addresses");
    if (addresses.empty() || !addresses[0].is_string()) return;
    // All addresses of an endpoint are interchangeable: the first is the one that counts.
    std::string_view text(addresses[0].get_string());
    auto address = dns::parseAddress(text);
    std::string label = base::toLower(getString(endpoint, "hostname"));
    if (label.empty()) label = addressLabel(text);
    auto owner = service_.child(label);
    if (!address || !owner) return;
    Host& host = hosts_[label];
    host.label = label;
    host.owner = owner->wire();
    addUnique(address->size() == 4 ? host.v4 : host.v6, *address);
    for (const Port& port : ports) {
      if (std::find(host.ports.begin(), host.ports.end(), port) == host.ports.end()) host.ports.push_back(port);
    }
  }

  const dns::Name& service_;
  std::map<std::string, Host> hosts_;
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

void addHostAddresses(ServiceRecords& records) {
  for (const Host& host : records.hosts) {
    for (const std::string& address : host.v4) addUnique(records.v4, address);
    for (const std::string& address : host.v6) addUnique(records.v6, address);
  }
}

}  // namespace

ServiceRecordsPtr renderService(const dns::Name& domain, const json::Value& service,
                                const std::vector<meta::ObjectPtr>& slices) {
  auto records = std::make_shared<ServiceRecords>();
  records->ns = getString(service, "metadata.namespace");
  records->name = getString(service, "metadata.name");
  auto svc = domain.child("svc");
  auto ns = svc ? svc->child(records->ns) : std::nullopt;
  auto owner = ns ? ns->child(records->name) : std::nullopt;
  if (!owner) return nullptr;
  records->owner = owner->wire();

  if (getString(service, "spec.type") == "ExternalName") {
    auto target = dns::Name::parse(getString(service, "spec.externalName"));
    if (!target) return nullptr;
    records->type = ServiceRecords::Type::kExternalName;
    records->cname = target->lower().wire();
    return records;
  }
  HostCollector hosts(*owner);
  for (const meta::ObjectPtr& slice : slices) hosts.addSlice(slice->tree());
  records->hosts = hosts.take();
  if (getString(service, "spec.clusterIP") == "None") {
    records->type = ServiceRecords::Type::kHeadless;
    addHostAddresses(*records);
  } else {
    records->ports = renderPorts(arrayAt(service, "spec.ports"));
    addClusterIps(service, *records);
  }
  return records;
}

}  // namespace wherry::clusterdns
