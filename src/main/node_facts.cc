#include "main/node_facts.h"

#include <fmt/format.h>

#include "base/strings.h"
#include "main/admin_request.h"
#include "main/dialing.h"
#include "main/dns_question.h"
#include "main/socket_target.h"

namespace wherry::main {
namespace {

constexpr std::chrono::seconds kDnsPatience{5};  // as resolv.conf(5) has it
constexpr std::chrono::seconds kDialPatience{1};

json::Value toJson(const dns::Record& record) {
  // "web.default.svc.cluster.local. 5 IN A 10.96.0.1": the data is what follows the type.
  std::string line = dns::renderRecord(record);
  size_t at = 0;
  for (int i = 0; i < 4 && at != std::string::npos; ++i) at = line.find(' ', at) + 1;
  return {{"name", record.name.text()},
          {"ttl", record.ttl},
          {"type", dns::typeName(dns::typeOf(record.data))},
          {"data", line.substr(at)}};
}

json::Array toJson(const std::vector<std::string>& texts) { return json::Array(texts.begin(), texts.end()); }

json::Value toJson(const proxy::PortReading& reading) {
  return {{"address", reading.address},
          {"protocol", reading.protocol},
          {"port", reading.port},
          {"clients", reading.clients == proxy::Clients::kAll ? "all" : "outside"},
          {"state", proxy::stateText(reading.state)},
          {"endpoints", toJson(reading.endpoints)},
          {"wanted", toJson(reading.wanted)}};
}

}  // namespace

json::Value readDnsAnswer(const net::Request& request, const ServerOptions& options) {
  auto name = dns::Name::parse(requireParameter(request, "name"));
  auto type = dns::parseType(requireParameter(request, "type"));
  if (!name) throw AdminError(400, "name is no domain name");
  if (!type) throw AdminError(400, "type is no type of DNS records");
  if (!options.enabled("dns")) throw AdminError(503, "no cluster DNS runs here");
  auto reply = askDns(targetText(options.clusterDns, 53), *name, *type, kDnsPatience);
  if (const auto* failure = std::get_if<std::string>(&reply)) {
    return {{"server", options.clusterDns}, {"failure", *failure}};
  }
  const auto& message = std::get<dns::Message>(reply);
  json::Array answer;
  for (const dns::Record& record : message.answer) answer.push_back(toJson(record));
  return {{"server", options.clusterDns}, {"rcode", dns::rcodeName(message.rcode)}, {"answer", std::move(answer)}};
}

json::Value readKernel(const net::Request& request, const ServerOptions& options, const proxy::Proxy* proxy) {
  std::string service = requireParameter(request, "service");
  if (!proxy) throw AdminError(503, options.enabled("proxy") ? "the server is still starting" : "no proxy runs here");
  json::Array ports;
  for (const proxy::PortReading& reading : proxy->readBack(service)) ports.push_back(toJson(reading));
  return {{"node", options.nodeName}, {"ports", std::move(ports)}};
}

json::Value dialFromNode(const net::Request& request) {
  std::string to = requireParameter(request, "to");
  std::vector<std::string> targets;
  for (std::string_view target : base::split(to, ',')) targets.emplace_back(target);
  try {
    json::Array dials;
    for (const Dialed& dialed : dialAll(targets, kDialPatience)) {
      dials.push_back({{"to", dialed.to}, {"outcome", dialed.outcome}});
    }
    return {{"dials", std::move(dials)}};
  } catch (const std::invalid_argument& error) {
    throw AdminError(400, error.what());
  }
}

}  // namespace wherry::main
