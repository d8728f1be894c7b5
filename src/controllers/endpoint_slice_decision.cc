#include <algorithm>
#include <optional>
#include <set>

#include "controllers/endpoint_slice.h"
#include "controllers/pod_state.h"

namespace wherry::controllers {

namespace {

using core_v1::Pod;
using core_v1::Service;
using discovery_v1::EndpointSlice;

constexpr std::string_view kHeadless = "service.kubernetes.io/headless";

// Slices hold endpoints of one address family with the same ports.
struct Group {
  Family family;
  json::Array ports;

  bool operator==(const Group& other) const { return family == other.family && json::equal(ports, other.ports); }
};

std::string_view addressTypeOf(Family family) { return family == Family::kIpv4 ? "IPv4" : "IPv6"; }

json::Array renderPorts(const std::vector<EndpointPort>& ports) {
  json::Array rendered;
  for (const auto& port : ports) {
    json::Object entry{{"name", port.name}, {"protocol", port.protocol}};
    if (port.port) entry["port"] = *port.port;
    if (!port.appProtocol.empty()) entry["appProtocol"] = port.appProtocol;
    rendered.push_back(std::move(entry));
  }
  return rendered;
}

json::Object renderEndpoint(const Service& service, const Pod& pod, Family family, const ZoneOf& zoneOf) {
  const bool serving = isReady(pod);
  const bool terminating = pod.metadata().deleting();
  const bool ready = service.spec().publishNotReadyAddresses() || (serving && !terminating);
  json::Object endpoint{
      {"addresses", json::Array{json::Value(addressOf(pod, family))}},
      {"conditions", json::Object{{"ready", ready}, {"serving", serving}, {"terminating", terminating}}}};
  if (const auto hostname = hostnameUnder(service, pod); !hostname.empty()) endpoint["hostname"] = hostname;
  endpoint["targetRef"] = podReference(pod);
  const auto node = pod.spec().nodeName();
  if (node.empty()) return endpoint;
  endpoint["nodeName"] = node;
  const auto zone = zoneOf(node);
  if (!zone.empty()) endpoint["zone"] = zone;
  if (!ready || wantsZoneShares(service)) return endpoint;
  if (auto hints = placeHints(service, zone, node); !hints.empty()) endpoint["hints"] = std::move(hints);
  return endpoint;
}

// The endpoints wanted of one group, by the pod's uid.
struct WantedGroup {
  Group group;
  std::map<std::string, json::Object> endpoints;
};

std::vector<WantedGroup> wantedGroups(const Service& service, const std::vector<Pod>& pods, const ZoneOf& zoneOf) {
  std::vector<WantedGroup> wanted;
  for (const Family family : familiesOf(service)) {
    for (const auto& pod : pods) {
      if (!canServe(pod) || addressOf(pod, family).empty()) continue;
      Group group{family, renderPorts(portsOf(service, pod))};
      auto found =
          std::find_if(wanted.begin(), wanted.end(), [&](const WantedGroup& other) { return other.group == group; });
      if (found == wanted.end()) found = wanted.insert(wanted.end(), WantedGroup{std::move(group), {}});
      found->endpoints.emplace(pod.metadata().uid(), renderEndpoint(service, pod, family, zoneOf));
    }
  }
  return wanted;
}

// For which zone each endpoint, by its pod's uid, is meant so far.
std::map<std::string, std::string> formerZones(const std::vector<EndpointSlice>& slices) {
  std::map<std::string, std::string> zones;
  for (const auto& slice : slices) {
    for (const auto endpoint : slice.endpoints()) {
      for (const auto zone : endpoint.hints().forZones()) {
        zones.emplace(std::string(endpoint.targetRef().uid()), std::string(zone.name()));
      }
    }
  }
  return zones;
}

// Hints the ready endpoints of a family; answers why not.
std::string shareOut(std::vector<WantedGroup>& groups, Family family, const std::map<std::string, std::string>& former,
                     const ZoneShares& shares) {
  std::vector<json::Object*> ready;
  std::vector<ZonedEndpoint> zoned;
  for (auto& wanted : groups) {
    if (wanted.group.family != family) continue;
    for (auto& [uid, endpoint] : wanted.endpoints) {
      if (endpoint.at("conditions").at("ready") != true) continue;
      const auto* zone = endpoint.if_contains("zone");
      const auto before = former.find(uid);
      ready.push_back(&endpoint);
      zoned.push_back({zone ? std::string(zone->get_string()) : "", before == former.end() ? "" : before->second});
    }
  }
  const auto allotment = allotZones(zoned, shares);
  for (size_t i = 0; i < allotment.zones.size(); ++i) (*ready[i])["hints"] = zoneHint(allotment.zones[i]);
  return allotment.trouble;
}

bool isReserved(std::string_view label) { return label == kManagedBy || label == kServiceName || label == kHeadless; }

json::Object labelsFor(const Service& service) {
  json::Object labels;
  for (const auto& label : service.metadata().labels()) {
    if (!isReserved(label.key())) labels[label.key()] = label.value();
  }
  labels[kManagedBy] = kManager;
  labels[kServiceName] = service.metadata().name();
  if (isHeadless(service)) labels[kHeadless] = "";
  return labels;
}

json::Value newSlice(const Service& service, const Group& group, json::Array endpoints) {
  const auto metadata = service.metadata();
  json::Object slice{
      {"apiVersion", "discovery.k8s.io/v1"},
      {"kind", "EndpointSlice"},
      {"metadata", json::Object{{"generateName", std::string(metadata.name()) + "-"},
                                {"namespace", metadata.ns()},
                                {"labels", labelsFor(service)},
                                {"ownerReferences", json::Array{meta::controllerReference(*service.object())}}}},
      {"addressType", addressTypeOf(group.family)},
      {"endpoints", std::move(endpoints)}};
  slice["ports"] = group.ports;
  return slice;
}

// A slice that is there, and what becomes of it.
struct Draft {
  EndpointSlice slice;
  json::Array endpoints;
  bool changed = false;
};

std::string uidOf(const discovery_v1::Endpoint& endpoint) { return std::string(endpoint.targetRef().uid()); }

// Keeps the endpoints that are still wanted where they are, and takes them out of `wanted`.
Draft keepWanted(const EndpointSlice& slice, std::map<std::string, json::Object>& wanted) {
  Draft draft{slice, {}, false};
  for (const auto endpoint : slice.endpoints()) {
    const auto found = wanted.find(uidOf(endpoint));
    if (found == wanted.end()) {
      draft.changed = true;
      continue;
    }
    draft.changed = draft.changed || !json::equal(found->second, endpoint.tree());
    draft.endpoints.push_back(std::move(found->second));
    wanted.erase(found);
  }
  return draft;
}

// Puts what is left of `wanted` where there is room: into slices that change anyway first, then into the fullest.
void fillUp(std::vector<Draft>& drafts, std::map<std::string, json::Object>& wanted) {
  std::vector<Draft*> order;
  for (auto& draft : drafts) order.push_back(&draft);
  std::stable_sort(order.begin(), order.end(), [](const Draft* a, const Draft* b) {
    if (a->changed != b->changed) return a->changed;
    return a->endpoints.size() > b->endpoints.size();
  });
  for (Draft* draft : order) {
    while (!wanted.empty() && draft->endpoints.size() < kMaxEndpointsPerSlice) {
      draft->endpoints.push_back(std::move(wanted.begin()->second));
      wanted.erase(wanted.begin());
      draft->changed = true;
    }
  }
}

json::Value updatedSlice(const Service& service, const Draft& draft) {
  json::Value object = draft.slice.object()->tree();
  object.as_object()["endpoints"] = draft.endpoints;
  meta::mutableMetadata(object)["labels"] = labelsFor(service);
  return object;
}

bool sameGroup(const EndpointSlice& slice, const Group& group) {
  const auto* ports = slice.field("ports");
  static const json::Array kNone;
  const auto& have = ports && ports->is_array() ? ports->get_array() : kNone;
  return slice.addressType() == addressTypeOf(group.family) && json::equal(have, group.ports);
}

void createSlices(SliceActions& actions, const Service& service, const Group& group,
                  std::map<std::string, json::Object>& wanted) {
  while (!wanted.empty()) {
    json::Array endpoints;
    while (!wanted.empty() && endpoints.size() < kMaxEndpointsPerSlice) {
      endpoints.push_back(std::move(wanted.begin()->second));
      wanted.erase(wanted.begin());
    }
    actions.create.push_back(newSlice(service, group, std::move(endpoints)));
  }
}

void decideGroup(SliceActions& actions, const Service& service, WantedGroup& wanted,
                 std::vector<EndpointSlice>& unused) {
  std::vector<Draft> drafts;
  std::erase_if(unused, [&](const EndpointSlice& slice) {
    if (!sameGroup(slice, wanted.group)) return false;
    drafts.push_back(keepWanted(slice, wanted.endpoints));
    return true;
  });
  fillUp(drafts, wanted.endpoints);
  for (const auto& draft : drafts) {
    if (draft.endpoints.empty()) {
      actions.remove.push_back(draft.slice);
    } else if (draft.changed || draft.slice.metadata().labels() != labelsFor(service)) {
      actions.update.push_back(updatedSlice(service, draft));
    }
  }
  createSlices(actions, service, wanted.group, wanted.endpoints);
}

// A Service without endpoints keeps one empty slice of each family, so that "no endpoints" can be told from "not
// known".
void decidePlaceholder(SliceActions& actions, const Service& service, Family family,
                       std::vector<EndpointSlice>& unused) {
  const auto found = std::find_if(unused.begin(), unused.end(), [&](const EndpointSlice& slice) {
    return slice.addressType() == addressTypeOf(family);
  });
  if (found == unused.end()) {
    actions.create.push_back(newSlice(service, {family, {}}, {}));
    return;
  }
  const auto* ports = found->field("ports");
  const bool bare = found->endpoints().empty() && (!ports || ports->get_array().empty());
  if (!bare || found->metadata().labels() != labelsFor(service)) {
    json::Value object = updatedSlice(service, {*found, {}, true});
    object.as_object()["ports"] = json::Array();
    actions.update.push_back(std::move(object));
  }
  unused.erase(found);
}

// Rewrites a slice that would be deleted rather than create another one beside it.
void reuseSlices(SliceActions& actions) {
  std::erase_if(actions.remove, [&](const EndpointSlice& slice) {
    const auto found = std::find_if(actions.create.begin(), actions.create.end(), [&](const json::Value& wanted) {
      return json::getString(wanted, "addressType") == slice.addressType();
    });
    if (found == actions.create.end()) return false;
    json::Value object = slice.object()->tree();
    for (const auto field : {"endpoints", "ports"}) object.as_object()[field] = found->at(field);
    meta::mutableMetadata(object)["labels"] = found->at("metadata").at("labels");
    actions.update.push_back(std::move(object));
    actions.create.erase(found);
    return true;
  });
}

}  // namespace

SliceActions decideEndpointSlices(const Service& service, const std::vector<Pod>& pods,
                                  const std::vector<EndpointSlice>& slices, const ZoneOf& zoneOf,
                                  const ZoneShares& shares) {
  SliceActions actions;
  auto unused = slices;
  std::set<Family> used;
  auto groups = wantedGroups(service, pods, zoneOf);
  for (const Family family : familiesOf(service)) {
    if (!wantsZoneShares(service)) break;
    const auto trouble = shareOut(groups, family, formerZones(slices), shares);
    actions.sharesTrouble.emplace(addressTypeOf(family), trouble);
  }
  for (auto& wanted : groups) {
    used.insert(wanted.group.family);
    decideGroup(actions, service, wanted, unused);
  }
  for (const Family family : familiesOf(service)) {
    if (!used.contains(family)) decidePlaceholder(actions, service, family, unused);
  }
  actions.remove.insert(actions.remove.end(), unused.begin(), unused.end());
  reuseSlices(actions);
  return actions;
}

}  // namespace wherry::controllers
