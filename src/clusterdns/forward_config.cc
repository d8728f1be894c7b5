#include "clusterdns/forward_config.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "base/strings.h"

namespace wherry::clusterdns {
namespace {

// ["192.0.2.1", "tls://192.0.2.2"]. Throws a sentence.
UpstreamList readList(const json::Value& list) {
  if (!list.is_array()) throw std::invalid_argument("not a list");
  UpstreamList out;
  for (const json::Value& item : list.get_array()) {
    auto upstream = item.is_string() ? parseUpstream(item.get_string()) : std::nullopt;
    if (!upstream) throw std::invalid_argument(fmt::format("{}: not the address of a resolver", json::serialize(item)));
    out.push_back(*upstream);
  }
  if (out.size() > kMaxUpstreams) throw std::invalid_argument(fmt::format("more than {}", kMaxUpstreams));
  return out;
}

std::vector<StubDomain> readStubDomains(const json::Value& domains) {
  if (!domains.is_object()) throw std::invalid_argument("not an object");
  std::vector<StubDomain> out;
  for (const auto& [key, list] : domains.get_object()) {
    auto domain = dns::Name::parse(key);
    if (!domain) throw std::invalid_argument(fmt::format("{}: not a domain", std::string_view(key)));
    out.push_back({domain->lower(), readList(list)});
  }
  return out;
}

}  // namespace

DnsConfigMap parseDnsConfigMap(const json::Value* object) {
  DnsConfigMap out;
  const json::Value* data = object ? json::find(*object, "data") : nullptr;
  if (!data) return out;
  auto read = [&](const char* key, auto take) {
    std::string text(base::trim(json::getString(*data, key)));
    if (text.empty()) return;
    try {
      take(json::parse(text));
    } catch (const std::exception& error) {
      out.mistakes.push_back(fmt::format("{}: {}", key, error.what()));
    }
  };
  read("upstreamNameservers", [&](const json::Value& value) { out.upstreams = readList(value); });
  read("stubDomains", [&](const json::Value& value) { out.stubDomains = readStubDomains(value); });
  out.hosts = json::getString(*data, "hosts");
  return out;
}

std::optional<StubDomain> parseStubDomain(std::string_view text) {
  auto parts = base::splitOnce(text, '=');
  auto domain = parts ? dns::Name::parse(base::trim(parts->first)) : std::nullopt;
  if (!domain || base::trim(parts->first).empty()) return std::nullopt;
  StubDomain out{domain->lower(), {}};
  for (std::string_view each : base::split(parts->second, ',')) {
    auto upstream = parseUpstream(each);
    if (!upstream) return std::nullopt;
    out.upstreams.push_back(*upstream);
  }
  if (out.upstreams.size() > kMaxUpstreams) return std::nullopt;
  return out;
}

std::vector<StubDomain> decideRoutes(const ForwardConfig& flags, const DnsConfigMap& configMap,
                                     const UpstreamList& nodes, const std::string& own) {
  std::map<std::string, UpstreamList> byDomain;
  byDomain[dns::Name().wire()] = !configMap.upstreams.empty() ? configMap.upstreams
                                 : !flags.upstreams.empty()   ? flags.upstreams
                                                              : nodes;
  for (const StubDomain& stub : flags.stubDomains) byDomain[stub.domain.wire()] = stub.upstreams;
  for (const StubDomain& stub : configMap.stubDomains) byDomain[stub.domain.wire()] = stub.upstreams;
  std::vector<StubDomain> routes;
  for (auto& [domain, upstreams] : byDomain) {
    std::erase_if(upstreams, [&](const Upstream& upstream) { return upstream.address == own; });
    if (!upstreams.empty()) routes.push_back({dns::Name::fromWire(domain), std::move(upstreams)});
  }
  std::stable_sort(routes.begin(), routes.end(), [](const StubDomain& a, const StubDomain& b) {
    return a.domain.labels().size() > b.domain.labels().size();
  });
  return routes;
}

std::optional<size_t> findRoute(const std::vector<StubDomain>& routes, const dns::Name& name) {
  for (size_t i = 0; i < routes.size(); ++i) {
    if (name.isAtOrBelow(routes[i].domain)) return i;
  }
  return std::nullopt;
}

}  // namespace wherry::clusterdns
