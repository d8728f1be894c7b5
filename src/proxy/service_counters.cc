#include "proxy/service_counters.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <set>
#include <system_error>
#include <utility>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <linux/netlink.h>
#include <netinet/in.h>

#include "base/log.h"
#include "base/strings.h"
#include "linux/nft/elements.h"
#include "proxy/ruleset.h"
#include "views/discovery_v1.h"

namespace wherry::proxy {
namespace {

using base::metrics::Format;
using linux::nft::ListedElement;

const base::Log kLog("proxy");

base::Guarded<std::weak_ptr<ServiceCounters>>& present() {
  static base::Guarded<std::weak_ptr<ServiceCounters>> counters;
  return counters;
}

class ServiceFamily : public base::metrics::FamilyBase {
 public:
  const std::string& name() const override { return name_; }
  void render(Format format, std::string& to) const override {
    if (auto counters = present().copy().lock()) to += counters->read(format);
  }

 private:
  const std::string name_ = "wherry_service";
};

const char* protocolName(uint8_t protocol) {
  return protocol == IPPROTO_TCP ? "TCP" : protocol == IPPROTO_UDP ? "UDP" : "SCTP";
}

std::string labelsOf(const CountedPort& port, const Endpoint* endpoint) {
  auto [ns, name] =
      base::splitOnce(port.service, '/').value_or(std::pair<std::string_view, std::string_view>("", port.service));
  std::vector<std::string_view> names = {"namespace", "service", "port", "protocol"};
  std::string number = std::to_string(port.port), answering;
  std::vector<std::string_view> values = {ns, name, number, protocolName(port.protocol)};
  if (endpoint) {
    bool isV4 = endpoint->ip.family() == base::IpFamily::kIPv4;
    answering = isV4 ? fmt::format("{}:{}", endpoint->ip.text(), endpoint->port)
                     : fmt::format("[{}]:{}", endpoint->ip.text(), endpoint->port);
    names.emplace_back("endpoint");
    values.emplace_back(answering);
  }
  return base::metrics::renderLabels(names, values);
}

struct Counted {
  const char* name;
  const char* help;
  uint64_t Traffic::*value;
};
constexpr std::array<Counted, 3> kCounted = {{
    {"packets", "Packets in both directions", &Traffic::packets},
    {"bytes", "Bytes in both directions", &Traffic::bytes},
    {"connections", "Connections begun", &Traffic::connections},
}};

uint16_t portAt(const std::string& key, size_t at) {
  uint16_t value = 0;
  key.copy(reinterpret_cast<char*>(&value), sizeof value, at);
  return ntohs(value);
}

// What the elements of the counting sets are found by: who was asked, who answers.
struct Counter {
  ServicePort asked;
  Endpoint answering;
};
Counter readKey(const std::string& key, base::IpFamily family) {
  constexpr size_t kNumber = 4;  // bytes of a protocol or a port
  const size_t ip = base::addressBits(family) / 8;
  auto addressAt = [&](size_t at) {
    return base::IpAddress::fromBytes(std::string_view(key).substr(at, ip)).value_or(base::IpAddress());
  };
  size_t answering = ip + 2 * kNumber;
  return {{addressAt(0), static_cast<uint8_t>(key.at(ip)), portAt(key, ip + kNumber)},
          {addressAt(answering), portAt(key, answering + ip)}};
}

// Each by itself: the kernel may have dropped it meanwhile.
void remove(linux::NetlinkSocket& socket, base::IpFamily family, const char* set, const linux::nft::Data& key) {
  linux::nft::Batch batch(family);
  batch.deleteElement(kTable, set, key);
  try {
    batch.commit(socket);
  } catch (const linux::nft::BatchError& error) {
    if (error.error != ENOENT) throw;
  }
}

}  // namespace

Traffic& Traffic::operator+=(const Traffic& other) {
  packets += other.packets;
  bytes += other.bytes;
  connections += other.connections;
  return *this;
}

std::string renderTraffic(Format format, const TrafficByPort& ports, const TrafficByEndpoint& endpoints) {
  std::string text;
  for (const Counted& counted : kCounted) {
    std::vector<std::pair<std::string, double>> series;
    for (const auto& [port, traffic] : ports) {
      series.emplace_back(labelsOf(port, nullptr), static_cast<double>(traffic.*counted.value));
    }
    base::metrics::renderRead(format, fmt::format("wherry_service_{}_total", counted.name), "counter",
                              fmt::format("{} through a port of a Service.", counted.help), series, text);
  }
  for (const Counted& counted : kCounted) {
    std::vector<std::pair<std::string, double>> series;
    for (const auto& [where, traffic] : endpoints) {
      series.emplace_back(labelsOf(where.first, &where.second), static_cast<double>(traffic.*counted.value));
    }
    base::metrics::renderRead(format, fmt::format("wherry_service_endpoint_{}_total", counted.name), "counter",
                              fmt::format("{} through a port of a Service, by endpoint.", counted.help), series, text);
  }
  return text;
}

ServiceCounters::ServiceCounters(client::Informer& services, client::Informer& slices, std::vector<Node> nodes)
    : services_(services), slices_(slices), nodes_(std::move(nodes)) {}

struct ServiceCounters::Reading {
  std::map<ServicePort, std::string> services;                           // by port
  std::map<std::string, std::set<base::IpAddress>, std::less<>> listed;  // endpoint addresses by Service
  TrafficByPort ports;
  TrafficByEndpoint endpoints;
  TrafficByPort gone;
  struct Stale {
    base::IpFamily family;
    const char* set;
    linux::nft::Data key;
  };
  std::vector<Stale> stale;

  void add(base::IpFamily family, const char* set, const ListedElement& element, const Traffic& traffic) {
    Counter counter = readKey(element.key.bytes(), family);
    auto found = services.find(counter.asked);
    if (found == services.end()) {
      counter.asked.ip = base::IpAddress::unspecified(family);
      found = services.find(counter.asked);
    }
    if (found == services.end()) return;  // another program's translation
    CountedPort port{found->second, counter.asked.port, counter.asked.protocol};
    if (listed[port.service].contains(counter.answering.ip)) {
      ports[port] += traffic;
      endpoints[{port, counter.answering}] += traffic;
    } else {
      gone[port] += traffic;
      stale.push_back({family, set, element.key});
    }
  }
};

ServiceCounters::Reading ServiceCounters::readKernel() const {
  Reading reading;
  for (const meta::ObjectPtr& service : services_.list()) {
    std::string key = service->key().text();
    for (const Node& node : nodes_) {
      for (const auto& [port, backends] : serviceEndpoints(service, {}, node)) reading.services.emplace(port, key);
    }
    for (const meta::ObjectPtr& slice : slices_.byIndex(kByService, key)) {
      for (auto endpoint : discovery_v1::EndpointSlice(slice).endpoints()) {
        if (endpoint.addresses().empty()) continue;
        if (auto ip = base::IpAddress::parse(endpoint.addresses()[0])) reading.listed[key].insert(*ip);
      }
    }
  }
  linux::NetlinkSocket socket(NETLINK_NETFILTER);
  for (const Node& node : nodes_) {
    auto read = [&](const char* set, auto trafficOf) {
      auto visit = [&](const ListedElement& element) { reading.add(node.family, set, element, trafficOf(element)); };
      linux::nft::listElements(socket, kTable, set, visit, node.family);
    };
    read(kTrafficSet, [](const ListedElement& e) { return Traffic{.packets = e.packets, .bytes = e.bytes}; });
    read(kConnectionsSet, [](const ListedElement& e) { return Traffic{.connections = e.packets}; });
  }
  for (const auto& [family, set, key] : reading.stale) remove(socket, family, set, key);
  return reading;
}

std::string ServiceCounters::read(Format format) {
  Reading reading;
  try {
    reading = readKernel();
  } catch (const std::exception& error) {
    kLog.warn("can't read the counters of Services: {}", error.what());
    return "";
  }
  std::set<std::string_view> known;
  for (const auto& [port, service] : reading.services) known.insert(service);
  gone_.with([&](TrafficByPort& gone) {
    for (const auto& [port, traffic] : reading.gone) gone[port] += traffic;
    std::erase_if(gone, [&](const auto& entry) { return !known.contains(entry.first.service); });
    for (const auto& [port, traffic] : gone) reading.ports[port] += traffic;
  });
  return renderTraffic(format, reading.ports, reading.endpoints);
}

std::vector<const base::metrics::FamilyBase*> metricFamilies() {
  static const ServiceFamily family;
  return {&family};
}

void showInMetrics(const std::shared_ptr<ServiceCounters>& counters) {
  present().with([&](std::weak_ptr<ServiceCounters>& shown) { shown = counters; });
}

}  // namespace wherry::proxy
