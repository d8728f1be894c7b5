// Services: defaults that depend on the type, cluster IPs and node ports, and what may stand beside what.
#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "apiserver/admission/addresses.h"
#include "apiserver/admission/fields.h"
#include "apiserver/admission/hooks.h"
#include "apiserver/admission/service_families.h"

namespace wherry::apiserver {
namespace {

using json::getInt;
using json::getString;

constexpr std::string_view kNone = "None";

bool usesNodePorts(const json::Object& spec) {
  std::string_view type = getString(spec, "type");
  return type == "NodePort" || (type == "LoadBalancer" && json::getBool(spec, "allocateLoadBalancerNodePorts", true));
}

// None for one that is headless.
std::vector<std::string> clusterIpsOf(const json::Object& spec) {
  if (getString(spec, "type") == "ExternalName") return {};
  std::vector<std::string> ips = textsAt(spec, "clusterIPs");
  std::erase_if(ips, [](const std::string& ip) { return ip.empty() || ip == kNone; });
  return ips;
}

bool needsHealthCheckPort(const json::Object& spec) {
  return getString(spec, "type") == "LoadBalancer" && getString(spec, "externalTrafficPolicy") == "Local";
}

json::Array& portsOf(json::Object& spec) { return json::ensureArray(spec, "ports"); }

bool isExposed(const json::Object& spec) {
  std::string_view type = getString(spec, "type");
  return type == "NodePort" || type == "LoadBalancer" || (type == "ClusterIP" && !arrayAt(spec, "externalIPs").empty());
}

void applyTargetPorts(json::Object& spec) {
  for (json::Value& port : portsOf(spec)) {
    if (!port.is_object()) continue;
    json::Object& fields = port.get_object();
    json::Value* target = fields.if_contains("targetPort");
    bool unset = !target || target->is_null() || *target == json::Value("") || *target == json::Value(0);
    if (unset) fields["targetPort"] = getInt(fields, "port");
  }
  if (portsOf(spec).empty()) spec.erase("ports");
}

void applyDefaults(json::Object& spec) {
  const std::string type(getString(spec, "type"));
  applyTargetPorts(spec);
  if (type == "NodePort" || type == "LoadBalancer" || type == "ClusterIP") {
    setDefault(spec, "internalTrafficPolicy", "Cluster");
  }
  if (isExposed(spec)) setDefault(spec, "externalTrafficPolicy", "Cluster");
  if (type == "LoadBalancer") setDefault(spec, "allocateLoadBalancerNodePorts", true);
  if (getString(spec, "sessionAffinity") == "ClientIP") {
    json::Object& config = json::ensureObject(json::ensureObject(spec, "sessionAffinityConfig"), "clientIP");
    setDefault(config, "timeoutSeconds", 10800);
  }
}

// What an update does not repeat stays as it is.
void keepAllocated(json::Object& spec, const json::Object& oldSpec) {
  if (getString(oldSpec, "type") == "ExternalName" || getString(spec, "type") == "ExternalName") return;
  keepClusterIps(spec, oldSpec);
  if (needsHealthCheckPort(spec) && needsHealthCheckPort(oldSpec) && getInt(spec, "healthCheckNodePort") == 0) {
    spec["healthCheckNodePort"] = getInt(oldSpec, "healthCheckNodePort");
  }
  if (!usesNodePorts(spec)) return;
  std::set<int64_t> named;
  for (json::Value& port : portsOf(spec)) named.insert(getInt(port, "nodePort"));
  for (json::Value& port : portsOf(spec)) {
    if (getInt(port, "nodePort") != 0) continue;
    for (const json::Value& before : arrayAt(oldSpec, "ports")) {
      int64_t number = getInt(before, "nodePort");
      bool same = getInt(before, "port") == getInt(port, "port") &&
                  getString(before, "protocol") == getString(port, "protocol", "TCP");
      if (same && number != 0 && named.insert(number).second) port.get_object()["nodePort"] = number;
    }
  }
}

// A change of type leaves what the new type does not have.
void dropUnused(json::Object& spec, const json::Object& oldSpec) {
  auto unchanged = [&](const char* field) {
    const json::Value *now = spec.if_contains(field), *before = oldSpec.if_contains(field);
    return now && before && *now == *before;
  };
  if (getString(spec, "type") == "ExternalName") {
    for (const char* field : {"clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy", "internalTrafficPolicy"}) {
      if (unchanged(field)) spec.erase(field);
    }
  }
  if (!isExposed(spec) && unchanged("externalTrafficPolicy")) spec.erase("externalTrafficPolicy");
  if (getString(spec, "type") == getString(oldSpec, "type")) return;
  if (!usesNodePorts(spec)) {
    std::set<int64_t> before;
    for (const json::Value& port : arrayAt(oldSpec, "ports")) before.insert(getInt(port, "nodePort"));
    for (json::Value& port : portsOf(spec)) {
      if (port.is_object() && before.contains(getInt(port, "nodePort"))) port.get_object().erase("nodePort");
    }
  }
  if (!needsHealthCheckPort(spec) && unchanged("healthCheckNodePort")) spec.erase("healthCheckNodePort");
  if (getString(spec, "type") != "LoadBalancer") {
    for (const char* field : {"allocateLoadBalancerNodePorts", "loadBalancerClass"}) {
      if (unchanged(field)) spec.erase(field);
    }
  }
}

// A load balancer's address is one that the node itself answers for, unless it says otherwise (KEP-1860).
void applyIpModes(json::Object& service) {
  if (getString(service, "spec.type") != "LoadBalancer" || arrayAt(service, "status.loadBalancer.ingress").empty())
    return;
  for (json::Value& ingress : json::ensureArray(ensurePath(service, {"status", "loadBalancer"}), "ingress")) {
    if (!getString(ingress, "ip").empty()) setDefault(ingress.as_object(), "ipMode", "VIP");
  }
}

void warnOfSpelling(std::string warning, std::vector<std::string>& warnings) {
  if (!warning.empty()) warnings.push_back(std::move(warning));
}

void warnAbout(const json::Object& spec, std::vector<std::string>& warnings) {
  auto forEachText = [&](const char* field, auto f) {
    forEachItem(arrayAt(spec, field), std::string("spec.") + field,
                [&](const json::Value& text, const std::string& at) { warnOfSpelling(f(at, textOf(text)), warnings); });
  };
  forEachText("clusterIPs", warningForIp);
  std::string_view type = getString(spec, "type");
  bool headless = type == "ClusterIP" && getString(spec, "clusterIP") == kNone;
  bool external = !arrayAt(spec, "externalIPs").empty();
  if (headless && !getString(spec, "loadBalancerIP").empty()) {
    warnings.push_back("spec.loadBalancerIP is ignored for headless services");
  }
  if (headless && external) warnings.push_back("spec.externalIPs is ignored for headless services");
  if (headless && getString(spec, "sessionAffinity", "None") != "None") {
    warnings.push_back("spec.SessionAffinity is ignored for headless services");
  }
  forEachText("externalIPs", warningForIp);
  warnOfSpelling(warningForIp("spec.loadBalancerIP", getString(spec, "loadBalancerIP")), warnings);
  forEachText("loadBalancerSourceRanges", warningForCidr);
  if (external) {
    warnings.push_back("spec.externalIPs is deprecated and may no longer be implemented in some clusters");
  }
  if (type == "ExternalName" && external) {
    warnings.push_back("spec.externalIPs is ignored when spec.type is \"ExternalName\"");
  }
  if (type != "ExternalName" && !getString(spec, "externalName").empty()) {
    warnings.push_back("spec.externalName is ignored when spec.type is not \"ExternalName\"");
  }
}

// -- allocation -----------------------------------------------------------------------------------------------------

class Allocator {
 public:
  explicit Allocator(AdmissionRequest& request) : request_(request) {}

  // `before`: the cluster IPs that the Service has already.
  void clusterIps(json::Object& spec, const std::vector<std::string>& before) {
    if (getString(spec, "type") == "ExternalName" || getString(spec, "clusterIP") == kNone) return;
    std::vector<std::string> families = textsAt(spec, "ipFamilies");
    json::Array& ips = json::ensureArray(spec, "clusterIPs");
    while (ips.size() < families.size()) ips.emplace_back("");
    for (size_t i = 0; i < families.size(); ++i) {
      std::string ip(textOf(ips[i]));
      if (std::find(before.begin(), before.end(), ip) != before.end()) continue;
      if (ip.empty()) {
        ip = request_.allocations.allocateIp(families[i] == "IPv6" ? base::IpFamily::kIPv6 : base::IpFamily::kIPv4);
      } else {
        takeIp(ip, ips);
      }
      ips[i] = ip;
      undo([ip](ServiceAllocations& allocations) { allocations.releaseIp(ip); });
    }
    if (!ips.empty()) spec["clusterIP"] = std::string(textOf(ips[0]));
  }

  // `before`: the node ports that the Service has already.
  void nodePorts(json::Object& spec, const std::set<int64_t>& before) {
    size_t index = 0;
    std::map<int64_t, int64_t> numberOfPort;  // the same port of another protocol gets the same node port
    std::set<int64_t> mine = before;
    for (json::Value& port : portsOf(spec)) {
      std::string field = fmt::format("spec.ports[{}].nodePort", index++);
      json::Object& fields = port.as_object();
      int64_t number = getInt(fields, "nodePort"), servicePort = getInt(fields, "port");
      if (number == 0 && numberOfPort.contains(servicePort)) {
        fields["nodePort"] = numberOfPort[servicePort];
      } else if (number == 0) {
        fields["nodePort"] = number = request_.allocations.allocatePort();
        took(number);
        mine.insert(number);
        numberOfPort[servicePort] = number;
      } else if (!mine.contains(number)) {
        take(field, number);
        mine.insert(number);
        numberOfPort[servicePort] = number;
      }
    }
  }

  void healthCheckPort(json::Object& spec) {
    int64_t number = getInt(spec, "healthCheckNodePort");
    if (number == 0) {
      spec["healthCheckNodePort"] = number = request_.allocations.allocatePort();
      took(number);
    } else {
      take("spec.healthCheckNodePort", number);
    }
  }

 private:
  [[noreturn]] void refuse(meta::FieldError error) {
    throw meta::invalid({"", "v1", "Service"}, request_.name, {std::move(error)});
  }

  void takeIp(const std::string& ip, const json::Array& ips) {
    auto taken = request_.allocations.takeIp(ip);
    if (taken == ServiceAllocations::Take::kTaken) return;
    const char* why = taken == ServiceAllocations::Take::kInUse ? "provided IP is already allocated"
                                                                : "the provided IP is not in the valid range";
    refuse(meta::invalidField("spec.clusterIPs", ips, fmt::format("failed to allocate IP {}: {}", ip, why)));
  }

  void take(const std::string& field, int64_t number) {
    switch (request_.allocations.takePort(static_cast<int>(number))) {
      case ServiceAllocations::Take::kTaken:
        return took(number);
      case ServiceAllocations::Take::kInUse:
        refuse(meta::invalidField(field, number, "provided port is already allocated"));
      case ServiceAllocations::Take::kOutOfRange:
        refuse(meta::invalidField(field, number,
                                  "provided port is not in the valid range. The range of valid ports is "
                                  "30000-32767"));
    }
  }

  void took(int64_t number) {
    undo([number](ServiceAllocations& allocations) { allocations.releasePort(static_cast<int>(number)); });
  }

  void undo(std::function<void(ServiceAllocations&)> release) {
    request_.undo.push_back([release, &allocations = request_.allocations] { release(allocations); });
  }

  AdmissionRequest& request_;
};

std::set<int64_t> nodePortsOf(const json::Object& spec) {
  std::set<int64_t> ports;
  for (const json::Value& port : arrayAt(spec, "ports")) ports.insert(getInt(port, "nodePort"));
  ports.insert(getInt(spec, "healthCheckNodePort"));
  ports.erase(0);
  return ports;
}

// What the old spec holds and the new one no longer does is given back once the change is durable.
void releaseUnused(AdmissionRequest& request, const json::Object& oldSpec, const json::Object* newSpec) {
  ServiceAllocations& allocations = request.allocations;
  std::vector<std::string> ips = newSpec ? clusterIpsOf(*newSpec) : std::vector<std::string>();
  for (const std::string& ip : clusterIpsOf(oldSpec)) {
    if (std::find(ips.begin(), ips.end(), ip) != ips.end()) continue;
    request.committed.push_back([ip, &allocations] { allocations.releaseIp(ip); });
  }
  std::set<int64_t> kept = newSpec ? nodePortsOf(*newSpec) : std::set<int64_t>();
  for (int64_t port : nodePortsOf(oldSpec)) {
    if (!kept.contains(port)) {
      request.committed.push_back([port, &allocations] { allocations.releasePort(static_cast<int>(port)); });
    }
  }
}

}  // namespace

void prepareService(AdmissionRequest& request) {
  json::Object& object = request.object.as_object();
  if (request.operation == Operation::kDelete) return releaseUnused(request, objectAt(object, "spec"), nullptr);
  if (request.subresource == "status") applyIpModes(object);
  if (!request.subresource.empty()) return;
  json::Object& spec = json::ensureObject(object, "spec");
  if (request.old) {
    const json::Object& before = objectAt(*request.old, "spec");
    dropUnused(spec, before);
    keepAllocated(spec, before);
  }
  const json::Object* before = request.old ? &objectAt(*request.old, "spec") : nullptr;
  agreeOnClusterIps(spec, before);
  applyDefaults(spec);
  meta::FieldErrors errors;
  applyFamilies(spec, before, request.allocations.families(), errors);
  if (!errors.empty()) throw meta::invalid({"", "v1", "Service"}, request.name, errors);
  warnAbout(spec, request.warnings);
}

// Taken last, when nothing else can refuse the Service any more; given back if the write fails.
void reserveService(AdmissionRequest& request) {
  if (!writesMain(request)) return;
  json::Object& spec = request.object.as_object()["spec"].as_object();
  static const json::Object kNothing;
  const json::Object& before = request.old ? objectAt(*request.old, "spec") : kNothing;
  Allocator allocator(request);
  allocator.clusterIps(spec, clusterIpsOf(before));
  if (usesNodePorts(spec)) allocator.nodePorts(spec, nodePortsOf(before));
  if (needsHealthCheckPort(spec) && getInt(before, "healthCheckNodePort") == 0) allocator.healthCheckPort(spec);
  releaseUnused(request, before, &spec);
}

}  // namespace wherry::apiserver
