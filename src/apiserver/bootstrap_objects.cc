#include "apiserver/bootstrap_objects.h"

#include <fmt/format.h>

#include "apiserver/admission/addresses.h"
#include "json/yaml.h"

namespace wherry::apiserver {
namespace {

meta::Resource namespaced(std::string group, std::string version, std::string resource, std::string kind) {
  return {std::move(group), std::move(version), std::move(resource), std::move(kind), meta::Scope::kNamespaced};
}

meta::Resource cluster(std::string group, std::string version, std::string resource, std::string kind) {
  return {std::move(group), std::move(version), std::move(resource), std::move(kind), meta::Scope::kCluster};
}

BootstrapObject namespaceObject(const char* name) {
  return {cluster("", "v1", "namespaces", "Namespace"), "",
          json::parseYaml(fmt::format("metadata: {{name: {}}}", name))};
}

BootstrapObject priorityClass(const char* name, int64_t value, const char* description) {
  return {
      cluster("scheduling.k8s.io", "v1", "priorityclasses", "PriorityClass"), "",
      json::parseYaml(fmt::format("metadata: {{name: {}}}\nvalue: {}\ndescription: {}\n", name, value, description))};
}

BootstrapObject kubernetesService(const Advertised& advertised) {
  constexpr auto kManifest = R"(
metadata:
  name: kubernetes
  namespace: default
  labels: {{component: apiserver, provider: kubernetes}}
spec:
  type: ClusterIP
  clusterIP: "{}"
  sessionAffinity: None
  ports:
    - {{name: https, protocol: TCP, port: 443, targetPort: {}}}
)";
  return {namespaced("", "v1", "services", "Service"), "default",
          json::parseYaml(fmt::format(kManifest, advertised.serviceIp, advertised.port))};
}

BootstrapObject kubernetesEndpoints(const Advertised& advertised) {
  constexpr auto kManifest = R"(
metadata:
  name: kubernetes
  namespace: default
  labels: {{endpointslice.kubernetes.io/skip-mirror: "true"}}
subsets:
  - addresses: [{{ip: "{}"}}]
    ports: [{{name: https, port: {}, protocol: TCP}}]
)";
  return {namespaced("", "v1", "endpoints", "Endpoints"), "default",
          json::parseYaml(fmt::format(kManifest, advertised.address, advertised.port))};
}

BootstrapObject kubernetesSlice(const Advertised& advertised) {
  constexpr auto kManifest = R"(
metadata:
  name: kubernetes
  namespace: default
  labels: {{kubernetes.io/service-name: kubernetes}}
addressType: {}
endpoints:
  - addresses: ["{}"]
    conditions: {{ready: true}}
ports: [{{name: https, port: {}, protocol: TCP}}]
)";
  return {namespaced("discovery.k8s.io", "v1", "endpointslices", "EndpointSlice"), "default",
          json::parseYaml(fmt::format(kManifest, base::familyName(*familyOf(advertised.address)), advertised.address,
                                      advertised.port))};
}

// Every field of `wanted` is in `stored` with the same value; lists are compared element by element.
bool contains(const json::Value& stored, const json::Value& wanted) {
  if (wanted.is_object()) {
    if (!stored.is_object()) return false;
    for (const auto& member : wanted.get_object()) {
      const auto* own = stored.get_object().if_contains(member.key());
      if (!own || !contains(*own, member.value())) return false;
    }
    return true;
  }
  if (wanted.is_array()) {
    if (!stored.is_array() || stored.get_array().size() != wanted.get_array().size()) return false;
    for (size_t i = 0; i < wanted.get_array().size(); ++i) {
      if (!contains(stored.get_array()[i], wanted.get_array()[i])) return false;
    }
    return true;
  }
  return json::equal(stored, wanted);
}

void merge(json::Object& into, const json::Object& from) {
  for (const auto& member : from) {
    if (member.value().is_object()) {
      merge(json::ensureObject(into, member.key()), member.value().get_object());
    } else {
      into[member.key()] = member.value();
    }
  }
}

}  // namespace

std::vector<BootstrapObject> bootstrapObjects(const Advertised& advertised) {
  std::vector<BootstrapObject> objects;
  for (auto name : {"default", "kube-system", "kube-public", "kube-node-lease"})
    objects.push_back(namespaceObject(name));
  objects.push_back(priorityClass("system-node-critical", 2000001000,
                                  "Used for system critical pods that must not be moved from their current node."));
  objects.push_back(priorityClass("system-cluster-critical", 2000000000,
                                  "Used for system critical pods that must run in the cluster but may be moved."));
  for (auto& object : kubernetesServiceObjects(advertised)) objects.push_back(std::move(object));
  return objects;
}

std::vector<BootstrapObject> kubernetesServiceObjects(const Advertised& advertised) {
  std::vector<BootstrapObject> objects{kubernetesService(advertised)};
  // An address of this machine alone leads nobody else here.
  if (advertised.address.empty() || !checkUsableIp(advertised.address).empty()) return objects;
  objects.push_back(kubernetesEndpoints(advertised));
  objects.push_back(kubernetesSlice(advertised));
  return objects;
}

std::optional<json::Value> correctedObject(const json::Value& stored, const BootstrapObject& wanted) {
  if (contains(stored, wanted.object)) return std::nullopt;
  json::Value corrected = stored;
  merge(corrected.as_object(), wanted.object.as_object());
  return corrected;
}

}  // namespace wherry::apiserver
