#include <algorithm>

#include "base/ip.h"
#include "controllers/endpoint_slice_mirroring.h"

namespace wherry::controllers {

namespace {

using core_v1::Endpoints;
using core_v1::Service;
using discovery_v1::EndpointSlice;

constexpr std::string_view kSkip = "endpointslice.kubernetes.io/skip-mirror";
constexpr std::string_view kLeader = "control-plane.alpha.kubernetes.io/leader";
constexpr std::string_view kTriggerTime = "endpoints.kubernetes.io/last-change-trigger-time";
constexpr std::string_view kLastApplied = "kubectl.kubernetes.io/last-applied-configuration";

bool isMirrored(const Service& service, const Endpoints& endpoints) {
  if (!service || !endpoints || endpoints.metadata().deleting()) return false;
  const auto metadata = endpoints.metadata();
  return service.spec().selector().empty() && metadata.label(kSkip) != "true" &&
         !metadata.annotations().contains(kLeader);
}

// One slice: the addresses of one family that share their ports.
struct Mirror {
  bool ipv6 = false;
  json::Array ports;
  json::Array endpoints;

  std::string_view addressType() const { return ipv6 ? "IPv6" : "IPv4"; }
  bool shares(const Mirror& other) const { return ipv6 == other.ipv6 && json::equal(ports, other.ports); }
};

json::Array renderPorts(const core_v1::EndpointSubset& subset) {
  json::Array ports;
  for (const auto port : subset.ports()) {
    json::Object entry{{"name", port.name()}, {"port", port.port()}};
    entry["protocol"] = port.protocol().empty() ? "TCP" : port.protocol();
    if (port.hasAppProtocol()) entry["appProtocol"] = port.appProtocol();
    ports.push_back(std::move(entry));
  }
  return ports;
}

json::Object renderEndpoint(const core_v1::EndpointAddress& address, bool ready) {
  json::Object endpoint{{"addresses", json::Array{json::Value(address.ip())}},
                        {"conditions", json::Object{{"ready", ready}}}};
  if (!address.hostname().empty()) endpoint["hostname"] = address.hostname();
  if (!address.nodeName().empty()) endpoint["nodeName"] = address.nodeName();
  if (address.targetRef()) endpoint["targetRef"] = address.targetRef().tree();
  return endpoint;
}

class Mirrors {
 public:
  void add(const core_v1::EndpointSubset& subset) {
    const auto ports = renderPorts(subset);
    for (const auto address : subset.addresses()) add(ports, address, true);
    for (const auto address : subset.notReadyAddresses()) add(ports, address, false);
  }

  std::vector<Mirror> take() { return std::move(mirrors_); }

 private:
  void add(const json::Array& ports, const core_v1::EndpointAddress& address, bool ready) {
    const auto bytes = base::parseIp(address.ip());
    if (!bytes) return;
    Mirror wanted{bytes->size() == 16, ports, {}};
    auto found = std::find_if(mirrors_.begin(), mirrors_.end(), [&](const Mirror& m) { return m.shares(wanted); });
    if (found == mirrors_.end()) found = mirrors_.insert(mirrors_.end(), std::move(wanted));
    if (found->endpoints.size() < kMaxMirroredAddresses) found->endpoints.push_back(renderEndpoint(address, ready));
  }

  std::vector<Mirror> mirrors_;
};

json::Object labelsFor(const Endpoints& endpoints) {
  json::Object labels = endpoints.metadata().labels();
  labels[kManagedBy] = kMirroringManager;
  labels[kServiceName] = endpoints.metadata().name();
  return labels;
}

json::Object annotationsFor(const Endpoints& endpoints) {
  json::Object annotations = endpoints.metadata().annotations();
  annotations.erase(kTriggerTime);
  annotations.erase(kLastApplied);
  return annotations;
}

void fill(json::Object& slice, const Endpoints& endpoints, Mirror mirror) {
  slice["addressType"] = mirror.addressType();
  slice["ports"] = std::move(mirror.ports);
  slice["endpoints"] = std::move(mirror.endpoints);
  json::Object& metadata = json::ensureObject(slice, "metadata");
  metadata["labels"] = labelsFor(endpoints);
  metadata.erase("annotations");
  if (auto annotations = annotationsFor(endpoints); !annotations.empty()) metadata["annotations"] = annotations;
}

json::Value newSlice(const Endpoints& endpoints, Mirror mirror) {
  json::Object slice{
      {"apiVersion", "discovery.k8s.io/v1"},
      {"kind", "EndpointSlice"},
      {"metadata", json::Object{{"generateName", std::string(endpoints.metadata().name()) + "-"},
                                {"namespace", endpoints.metadata().ns()},
                                {"ownerReferences", json::Array{meta::controllerReference(*endpoints.object())}}}}};
  fill(slice, endpoints, std::move(mirror));
  return slice;
}

// The slice that has these ports already, else any of the family.
std::vector<EndpointSlice>::iterator findReusable(std::vector<EndpointSlice>& slices, const Mirror& mirror) {
  const auto sameFamily = [&](const EndpointSlice& slice) { return slice.addressType() == mirror.addressType(); };
  const auto same = std::find_if(slices.begin(), slices.end(), [&](const EndpointSlice& slice) {
    const auto* ports = slice.field("ports");
    return sameFamily(slice) && ports && json::equal(*ports, json::Value(mirror.ports));
  });
  return same != slices.end() ? same : std::find_if(slices.begin(), slices.end(), sameFamily);
}

}  // namespace

SliceActions decideMirrors(const Service& service, const Endpoints& endpoints,
                           const std::vector<EndpointSlice>& slices) {
  Mirrors mirrors;
  if (isMirrored(service, endpoints)) {
    for (const auto subset : endpoints.subsets()) mirrors.add(subset);
  }
  SliceActions actions;
  auto unused = slices;
  for (auto& mirror : mirrors.take()) {
    const auto found = findReusable(unused, mirror);
    if (found == unused.end()) {
      actions.create.push_back(newSlice(endpoints, std::move(mirror)));
      continue;
    }
    json::Value object = found->object()->tree();
    fill(object.as_object(), endpoints, std::move(mirror));
    if (!json::equal(object, found->object()->tree())) actions.update.push_back(std::move(object));
    unused.erase(found);
  }
  actions.remove = std::move(unused);
  return actions;
}

}  // namespace wherry::controllers
