#include "proxy/kernel_reading.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>
#include <netinet/in.h>

#include "base/ip.h"
#include "linux/nft/elements.h"
#include "proxy/ruleset.h"
#include "proxy/slots.h"

namespace wherry::proxy {
namespace {

using linux::nft::Data;
using State = PortReading::State;

// Sets and maps of the table, each read when it is first asked for.
class ReadTable {
 public:
  ReadTable(linux::NetlinkSocket& socket, base::IpFamily family) : socket_(socket), family_(family) {}

  // What the element holds; null when it isn't there.
  const Data* find(const Element& element) {
    auto at = sets_.try_emplace(element.set);
    std::map<Data, Data>& set = at.first->second;
    if (at.second) {
      linux::nft::listElements(
          socket_, kTable, element.set, [&](const auto& listed) { set.emplace(listed.key, listed.data); }, family_);
    }
    auto found = set.find(element.key);
    return found == set.end() ? nullptr : &found->second;
  }

 private:
  linux::NetlinkSocket& socket_;
  base::IpFamily family_;
  std::map<std::string, std::map<Data, Data>> sets_;
};

std::string textOf(std::string_view address, int port) {
  bool v6 = address.find(':') != std::string_view::npos;
  return v6 ? fmt::format("[{}]:{}", address, port) : fmt::format("{}:{}", address, port);
}

// The data of a slot: address and port, each in registers of its own.
std::string textOf(const Data& data) {
  const std::string& bytes = data.bytes();
  if (bytes.size() < 8) return "?";
  std::string_view whole(bytes);
  std::string_view address = whole.substr(0, whole.size() - 4), port = whole.substr(whole.size() - 4);
  auto number = static_cast<unsigned char>(port[0]) << 8 | static_cast<unsigned char>(port[1]);
  return textOf(base::formatIp(address), number);
}

const char* protocolText(uint8_t protocol) {
  return protocol == IPPROTO_TCP ? "TCP" : protocol == IPPROTO_UDP ? "UDP" : "SCTP";
}

State stateOf(ReadTable& table, const ServicePort& port, const std::vector<Endpoint>& found) {
  const Front& front = frontOf(port);
  Element inSize = portElements(port, Backends(found)).front().first;
  if (!found.empty()) return table.find(inSize) ? State::kLeads : State::kTorn;
  if (front.refused && table.find({front.refused, inSize.key})) return State::kRefuses;
  if (front.dropped && table.find({front.dropped, inSize.key})) return State::kDrops;
  return State::kUnknown;
}

PortReading readPort(ReadTable& table, const ServicePort& port, const Backends& wanted) {
  PortReading reading{.address = port.isNodePort() ? "" : port.ip.text(),
                      .protocol = protocolText(port.protocol),
                      .port = port.port,
                      .clients = port.clients};
  while (const Data* data = table.find(slotElement(port, reading.endpoints.size()))) {
    reading.endpoints.push_back(textOf(*data));
  }
  // Of the endpoints found only their number counts here.
  reading.state = stateOf(table, port, std::vector<Endpoint>(reading.endpoints.size()));
  for (const Endpoint& endpoint : wanted.endpoints) {
    reading.wanted.push_back(textOf(endpoint.ip.text(), endpoint.port));
  }
  std::sort(reading.endpoints.begin(), reading.endpoints.end());
  std::sort(reading.wanted.begin(), reading.wanted.end());
  return reading;
}

}  // namespace

const char* stateText(State state) {
  switch (state) {
    case State::kLeads:
      return "leads";
    case State::kRefuses:
      return "refuses";
    case State::kDrops:
      return "drops";
    case State::kUnknown:
      return "unknown";
    case State::kTorn:
      return "torn";
  }
  return "";
}

std::vector<PortReading> readPorts(linux::NetlinkSocket& socket, const ServiceEndpoints& wanted,
                                   base::IpFamily family) {
  ReadTable table(socket, family);
  std::vector<PortReading> readings;
  for (const auto& [port, backends] : wanted) readings.push_back(readPort(table, port, backends));
  return readings;
}

}  // namespace wherry::proxy
