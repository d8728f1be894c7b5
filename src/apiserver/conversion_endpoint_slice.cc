// EndpointSlices: in discovery.k8s.io/v1beta1 an endpoint says where it is in a map of its node's labels, `topology`;
// v1, which is stored, has the field `zone`, and keeps the rest of the map as deprecatedTopology.
#include "apiserver/conversion.h"

namespace wherry::apiserver {
namespace {

constexpr std::string_view kZone = "topology.kubernetes.io/zone";
constexpr std::string_view kHostname = "kubernetes.io/hostname";

template <typename Convert>
void forEachEndpoint(json::Value& object, Convert convert) {
  auto* endpoints = object.as_object().if_contains("endpoints");
  if (!endpoints || !endpoints->is_array()) return;
  for (auto& endpoint : endpoints->get_array()) {
    if (endpoint.is_object()) convert(endpoint.get_object());
  }
}

// Takes a map out of the endpoint; an empty one when there is none.
json::Object takeMap(json::Object& endpoint, std::string_view key) {
  auto* found = endpoint.if_contains(key);
  if (!found || !found->is_object()) return {};
  json::Object map = std::move(found->get_object());
  endpoint.erase(key);
  return map;
}

void toStored(json::Object& endpoint) {
  json::Object topology = takeMap(endpoint, "topology");
  if (const auto* zone = topology.if_contains(kZone)) {
    endpoint["zone"] = *zone;
    topology.erase(kZone);
  }
  // What nodeName says need not be said twice; another value stays where it is.
  const auto *host = topology.if_contains(kHostname), *node = endpoint.if_contains("nodeName");
  if (host && node && json::equal(*host, *node)) topology.erase(kHostname);
  if (!topology.empty()) endpoint["deprecatedTopology"] = std::move(topology);
}

void fromStored(json::Object& endpoint) {
  json::Object topology = takeMap(endpoint, "deprecatedTopology");
  if (auto* zone = endpoint.if_contains("zone")) {
    topology[kZone] = *zone;
    endpoint.erase("zone");
  }
  if (const auto* node = endpoint.if_contains("nodeName"); node && !topology.contains(kHostname)) {
    topology[kHostname] = *node;
  }
  if (!topology.empty()) endpoint["topology"] = std::move(topology);
}

}  // namespace

void endpointSliceToStored(json::Value& object) { forEachEndpoint(object, toStored); }

void endpointSliceFromStored(json::Value& object) { forEachEndpoint(object, fromStored); }

}  // namespace wherry::apiserver
