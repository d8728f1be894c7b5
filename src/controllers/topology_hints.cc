#include "controllers/topology_hints.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "meta/quantity.h"

namespace wherry::controllers {

namespace {

constexpr std::string_view kZone = "topology.kubernetes.io/zone";
constexpr double kOverload = 0.2;  // KEP-2433: how much more than its share an endpoint may get

bool isControlPlane(const core_v1::Node& node) {
  const auto& labels = node.metadata().labels();
  return labels.contains("node-role.kubernetes.io/control-plane") || labels.contains("node-role.kubernetes.io/master");
}

bool isReady(const core_v1::Node& node) {
  for (const auto condition : node.status().conditions()) {
    if (condition.type() == "Ready") return condition.status() == "True";
  }
  return false;
}

int64_t milliCpus(const core_v1::Node& node) {
  const auto* cpu = json::find(node.object()->tree(), "status.allocatable.cpu");
  const auto quantity = cpu && cpu->is_string() ? meta::Quantity::parse(cpu->get_string()) : std::nullopt;
  return quantity ? quantity->milli() : 0;
}

struct Allocation {
  int minimum = 0;
  int maximum = 0;
  double desired = 0;
};
using Allocations = std::map<std::string, Allocation>;
using Counts = std::map<std::string, int>;

// Empty when the minima of all zones are more than there is.
Allocations allocate(int endpoints, const ZoneShares& shares) {
  Allocations allocations;
  int least = 0;
  for (const auto& [zone, share] : shares) {
    const double desired = share * endpoints;
    const int minimum = static_cast<int>(std::ceil(desired / (1 + kOverload)));
    allocations[zone] = {minimum, 0, std::max(desired, static_cast<double>(minimum))};
    least += minimum;
  }
  if (least > endpoints) return {};
  for (auto& [zone, allocation] : allocations) allocation.maximum = allocation.minimum + endpoints - least;
  return allocations;
}

using Desire = std::map<std::string, double>;
Desire::iterator most(Desire& desires) {
  return std::max_element(desires.begin(), desires.end(), [](auto& a, auto& b) { return a.second < b.second; });
}

struct Moves {
  Counts giving, receiving;
};

// Halves of endpoints can't be moved: a zone takes one for half of one, when the other side has a whole one.
Moves decideMoves(const Allocations& allocations, const Counts& have) {
  Desire tooMany, tooFew;
  for (const auto& [zone, allocation] : allocations) {
    const auto found = have.find(zone);
    const double surplus = (found == have.end() ? 0 : found->second) - allocation.desired;
    if (surplus > 0) tooMany[zone] = surplus;
    if (surplus < 0) tooFew[zone] = -surplus;
  }
  Moves moves;
  if (tooMany.empty() || tooFew.empty()) return moves;
  for (;;) {
    const auto giver = most(tooMany), receiver = most(tooFew);
    if (std::max(giver->second, receiver->second) < 1 || std::min(giver->second, receiver->second) < 0.5) return moves;
    ++moves.giving[giver->first];
    ++moves.receiving[receiver->first];
    giver->second -= 1;
    receiver->second -= 1;
  }
}

// What an endpoint was meant for it stays meant for, unless that zone would have too many.
std::string startingZone(const ZonedEndpoint& endpoint, const Allocations& allocations, const Counts& have) {
  const auto kept = allocations.find(endpoint.before);
  if (kept == allocations.end()) return endpoint.zone;
  const auto count = have.find(endpoint.before);
  return count == have.end() || count->second < kept->second.maximum ? endpoint.before : endpoint.zone;
}

void carryOut(Moves moves, std::vector<std::string>& zones) {
  for (auto& zone : zones) {
    if (moves.receiving.empty()) return;
    const auto giver = moves.giving.find(zone);
    if (giver == moves.giving.end()) continue;
    if (--giver->second == 0) moves.giving.erase(giver);
    const auto receiver = moves.receiving.begin();
    zone = receiver->first;
    if (--receiver->second == 0) moves.receiving.erase(receiver);
  }
}

json::Array named(std::string_view name) { return {json::Value(json::Object{{"name", name}})}; }

}  // namespace

ZoneShares zoneShares(const std::vector<core_v1::Node>& nodes) {
  std::map<std::string, int64_t> milliCpusOf;
  int64_t total = 0;
  for (const auto& node : nodes) {
    if (isControlPlane(node) || !isReady(node)) continue;
    const auto zone = node.metadata().label(kZone);
    const auto cpus = milliCpus(node);
    if (zone.empty() || cpus <= 0) return {};
    milliCpusOf[std::string(zone)] += cpus;
    total += cpus;
  }
  ZoneShares shares;
  if (milliCpusOf.size() < 2) return shares;
  for (const auto& [zone, cpus] : milliCpusOf) shares[zone] = static_cast<double>(cpus) / static_cast<double>(total);
  return shares;
}

bool wantsZoneShares(const core_v1::Service& service) {
  const auto& annotations = service.metadata().annotations();
  for (const auto name : {"service.kubernetes.io/topology-aware-hints", "service.kubernetes.io/topology-mode"}) {
    const auto* value = annotations.if_contains(name);
    if (value) return *value == "Auto" || *value == "auto";
  }
  return false;
}

json::Object zoneHint(std::string_view zone) { return {{"forZones", named(zone)}}; }

json::Object placeHints(const core_v1::Service& service, std::string_view zone, std::string_view node) {
  const auto wanted = service.spec().trafficDistribution();
  const bool sameNode = wanted == "PreferSameNode";
  if (!sameNode && wanted != "PreferSameZone" && wanted != "PreferClose") return {};
  json::Object hints;
  if (!zone.empty()) hints = zoneHint(zone);
  if (!node.empty() && sameNode) hints["forNodes"] = named(node);
  return hints;
}

ZoneAllotment allotZones(const std::vector<ZonedEndpoint>& endpoints, const ZoneShares& shares) {
  const auto refuse = [&](std::string_view why) {
    return ZoneAllotment{{}, fmt::format("{} ({} endpoints, {} zones)", why, endpoints.size(), shares.size())};
  };
  if (shares.empty()) {
    return {{}, "Insufficient Node information: allocatable CPU or zone not specified on one or more nodes"};
  }
  if (shares.size() > endpoints.size()) return refuse("Insufficient number of endpoints");
  const auto allocations = allocate(static_cast<int>(endpoints.size()), shares);
  if (allocations.empty()) {
    return refuse("Unable to allocate minimum required endpoints to each zone without exceeding overload threshold");
  }
  ZoneAllotment allotment;
  Counts have;
  for (const auto& endpoint : endpoints) {
    if (endpoint.zone.empty()) return {{}, "One or more endpoints do not have a zone specified"};
    allotment.zones.push_back(startingZone(endpoint, allocations, have));
    ++have[allotment.zones.back()];
  }
  carryOut(decideMoves(allocations, have), allotment.zones);
  return allotment;
}

}  // namespace wherry::controllers
