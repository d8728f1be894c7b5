// Services: defaults that depend on the type, cluster IPs and node ports, and what may stand beside what.
#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "apiserver/admission/hooks.h"
#include "base/strings.h"
#include "meta/names.h"

namespace wherry::apiserver {
namespace {

using json::getInt;
using json::getString;

constexpr std::string_view kNone = "None";

bool usesNodePorts(const json::Object& spec) {
  std::string_view type = getString(spec, "type");
  return type == "NodePort" ||
         (type == "LoadBalancer" && json::getBool(spec, "allocateLoadBalancerNodePorts", true));
}

bool hasClusterIp(const json::Object& spec) {
  std::string_view ip = getString(spec, "clusterIP");
  return getString(spec, "type") != "ExternalName" && !ip.empty() && ip != kNone;
}

bool needsHealthCheckPort(const json::Object& spec) {
  return getString(spec, "type") == "LoadBalancer" && getString(spec, "externalTrafficPolicy") == "Local";
}

json::Array& portsOf(json::Object& spec) { return json::ensureArray(spec, "ports"); }

void setDefault(json::Object& object, std::string_view key, json::Value value) {
  if (json::Value* there = object.if_contains(key); there && !there->is_null() && *there != json::Value("")) return;
  object[key] = std::move(value);
}

void applyDefaults(json::Object& spec) {
  std::string_view type = getString(spec, "type");
  if (type == "ExternalName") return;
  for (json::Value& port : portsOf(spec)) {
    if (!port.is_object()) continue;
    json::Object& fields = port.get_object();
    json::Value* target = fields.if_contains("targetPort");
    bool unset = !target || target->is_null() || *target == json::Value("") || *target == json::Value(0);
    if (unset) fields["targetPort"] = getInt(fields, "port");
  }
  if (portsOf(spec).empty()) spec.erase("ports");
  setDefault(spec, "internalTrafficPolicy", "Cluster");
  if (type == "NodePort" || type == "LoadBalancer" || (spec.contains("externalIPs") && hasClusterIp(spec))) {
    setDefault(spec, "externalTrafficPolicy", "Cluster");
  }
  if (type == "LoadBalancer") setDefault(spec, "allocateLoadBalancerNodePorts", true);
  if (getString(spec, "sessionAffinity") == "ClientIP") {
    json::Object& config = json::ensureObject(json::ensureObject(spec, "sessionAffinityConfig"), "clientIP");
    setDefault(config, "timeoutSeconds", 10800);
  }
}

// clusterIP and the first of clusterIPs are the same field in two shapes: whichever was set sets the other.
void agreeOnClusterIps(json::Object& spec, const json::Value* old) {
  std::string_view oldIp = old ? getString(*old, "spec.clusterIP") : std::string_view();
  bool changed = old && getString(spec, "clusterIP") != oldIp;
  json::Value* list = spec.if_contains("clusterIPs");
  bool listed = list && list->is_array() && !list->get_array().empty();
  if (!listed || (changed && old->at("spec").as_object().contains("clusterIPs") &&
                  *list == old->at("spec").at("clusterIPs"))) {
    std::string ip(getString(spec, "clusterIP"));
    if (ip.empty()) spec.erase("clusterIPs");
    else spec["clusterIPs"] = json::Array{json::Value(ip)};
  } else if (getString(spec, "clusterIP").empty() && list->get_array()[0].is_string()) {
    spec["clusterIP"] = list->get_array()[0];
  }
}

// What an update does not repeat stays as it is.
void keepAllocated(json::Object& spec, const json::Object& oldSpec) {
  if (getString(oldSpec, "type") == "ExternalName" || getString(spec, "type") == "ExternalName") return;
  if (getString(spec, "clusterIP").empty()) {
    for (const char* field : {"clusterIP", "clusterIPs"}) {
      if (const json::Value* value = oldSpec.if_contains(field)) spec[field] = *value;
    }
  }
  if (needsHealthCheckPort(spec) && needsHealthCheckPort(oldSpec) && getInt(spec, "healthCheckNodePort") == 0) {
    spec["healthCheckNodePort"] = getInt(oldSpec, "healthCheckNodePort");
  }
  if (!usesNodePorts(spec)) return;
  std::set<int64_t> named;
  for (json::Value& port : portsOf(spec)) named.insert(getInt(port, "nodePort"));
  const json::Value* oldPorts = oldSpec.if_contains("ports");
  for (json::Value& port : portsOf(spec)) {
    if (getInt(port, "nodePort") != 0 || !oldPorts || !oldPorts->is_array()) continue;
    for (const json::Value& before : oldPorts->get_array()) {
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
    for (const char* field : {"clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"}) {
      if (unchanged(field)) spec.erase(field);
    }
  }
  if (getString(spec, "type") == getString(oldSpec, "type")) return;
  if (!usesNodePorts(spec)) {
    std::set<int64_t> before;
    if (const json::Value* ports = oldSpec.if_contains("ports"); ports && ports->is_array()) {
      for (const json::Value& port : ports->get_array()) before.insert(getInt(port, "nodePort"));
    }
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
  if (getString(spec, "type") == "ClusterIP" && unchanged("externalTrafficPolicy")) spec.erase("externalTrafficPolicy");
}

void applyFamilies(json::Object& spec) {
  if (getString(spec, "type") == "ExternalName") return;
  setDefault(spec, "ipFamilyPolicy", "SingleStack");
  if (!spec.contains("ipFamilies")) spec["ipFamilies"] = json::Array{"IPv4"};
}

// -- allocation -----------------------------------------------------------------------------------------------------

class Allocator {
 public:
  explicit Allocator(AdmissionRequest& request) : request_(request) {}

  void clusterIp(json::Object& spec) {
    if (getString(spec, "type") == "ExternalName" || getString(spec, "clusterIP") == kNone) return;
    std::string ip(getString(spec, "clusterIP"));
    if (ip.empty()) {
      ip = request_.allocations.allocateIp();
      spec["clusterIP"] = ip;
      spec["clusterIPs"] = json::Array{json::Value(ip)};
    } else if (auto taken = request_.allocations.takeIp(ip); taken != ServiceAllocations::Take::kTaken) {
      refuse(meta::invalidField("spec.clusterIPs", json::Array{json::Value(ip)},
                                taken == ServiceAllocations::Take::kInUse
                                    ? fmt::format("failed to allocate IP {}: provided IP is already allocated", ip)
                                    : fmt::format("failed to allocate IP {}: the provided IP is not in the valid range", ip)));
      return;
    }
    undo([ip](ServiceAllocations& allocations) { allocations.releaseIp(ip); });
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

  void take(const std::string& field, int64_t number) {
    switch (request_.allocations.takePort(static_cast<int>(number))) {
      case ServiceAllocations::Take::kTaken: return took(number);
      case ServiceAllocations::Take::kInUse:
        refuse(meta::invalidField(field, number, "provided port is already allocated"));
      case ServiceAllocations::Take::kOutOfRange:
        refuse(meta::invalidField(field, number, "provided port is not in the valid range. The range of valid ports is "
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
  if (const json::Value* list = spec.if_contains("ports"); list && list->is_array()) {
    for (const json::Value& port : list->get_array()) ports.insert(getInt(port, "nodePort"));
  }
  ports.insert(getInt(spec, "healthCheckNodePort"));
  ports.erase(0);
  return ports;
}

// What the old spec holds and the new one no longer does is given back once the change is durable.
void releaseUnused(AdmissionRequest& request, const json::Object& oldSpec, const json::Object* newSpec) {
  ServiceAllocations& allocations = request.allocations;
  if (hasClusterIp(oldSpec) && (!newSpec || getString(*newSpec, "clusterIP") != getString(oldSpec, "clusterIP"))) {
    request.committed.push_back([ip = std::string(getString(oldSpec, "clusterIP")), &allocations] {
      allocations.releaseIp(ip);
    });
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
  if (!request.subresource.empty()) return;
  const json::Value* oldSpec = request.old ? json::find(*request.old, "spec") : nullptr;
  static const json::Object kEmpty;
  const json::Object& before = oldSpec && oldSpec->is_object() ? oldSpec->get_object() : kEmpty;
  json::Object& object = request.object.as_object();
  if (request.operation == Operation::kDelete) {
    json::Object none;
    const json::Value* spec = object.if_contains("spec");
    if (spec && spec->is_object()) releaseUnused(request, spec->get_object(), nullptr);
    return;
  }
  json::Object& spec = json::ensureObject(object, "spec");
  if (request.old) {
    dropUnused(spec, before);
    keepAllocated(spec, before);
  }
  agreeOnClusterIps(spec, request.old);
  applyDefaults(spec);
  applyFamilies(spec);
}

namespace {

void checkPorts(const json::Object& spec, meta::FieldErrors& errors) {
  static const json::Array kEmpty;
  const json::Value* list = spec.if_contains("ports");
  const json::Array& ports = list && list->is_array() ? list->get_array() : kEmpty;
  bool headless = getString(spec, "clusterIP") == kNone;
  if (ports.empty() && !headless && getString(spec, "type") != "ExternalName") {
    errors.push_back(meta::requiredField("spec.ports"));
  }
  std::set<std::string_view> names;
  std::set<std::pair<std::string_view, int64_t>> numbers, nodePorts;
  for (size_t i = 0; i < ports.size(); ++i) {
    std::string path = fmt::format("spec.ports[{}]", i);
    std::string_view name = getString(ports[i], "name"), protocol = getString(ports[i], "protocol", "TCP");
    int64_t port = getInt(ports[i], "port"), nodePort = getInt(ports[i], "nodePort");
    if (name.empty() && ports.size() > 1) {
      errors.push_back(meta::requiredField(path + ".name"));
    } else if (!name.empty()) {
      for (const std::string& wrong : meta::checkDns1123Label(name)) {
        errors.push_back(meta::invalidField(path + ".name", json::Value(name), wrong));
      }
      if (!names.insert(name).second) errors.push_back(meta::duplicateField(path + ".name", json::Value(name)));
    }
    if (port < 1 || port > 65535) {
      errors.push_back(meta::invalidField(path + ".port", port, "must be between 1 and 65535, inclusive"));
    }
    if (const json::Value* target = json::find(ports[i], "targetPort")) {
      int64_t number = target->is_int64() ? target->get_int64() : 1;
      if (number < 1 || number > 65535) {
        errors.push_back(meta::invalidField(path + ".targetPort", *target, "must be between 1 and 65535, inclusive"));
      }
      if (target->is_string()) {
        for (const std::string& wrong : meta::checkPortName(target->get_string())) {
          errors.push_back(meta::invalidField(path + ".targetPort", *target, wrong));
        }
      }
    }
    if (nodePort != 0 && getString(spec, "type") == "ClusterIP") {
      errors.push_back(meta::forbiddenField(path + ".nodePort", "may not be used when `type` is 'ClusterIP'"));
    }
    if (!numbers.insert({protocol, port}).second) {
      errors.push_back(meta::duplicateField(path, json::Object{{"port", port}, {"protocol", protocol}}));
    }
    if (nodePort != 0 && !nodePorts.insert({protocol, nodePort}).second) {
      errors.push_back(meta::duplicateField(path + ".nodePort", nodePort));
    }
  }
}

void checkAddresses(const json::Object& spec, meta::FieldErrors& errors) {
  if (const json::Value* ips = spec.if_contains("externalIPs"); ips && ips->is_array()) {
    size_t index = 0;
    for (const json::Value& ip : ips->get_array()) {
      std::string path = fmt::format("spec.externalIPs[{}]", index++);
      std::string_view text = ip.is_string() ? std::string_view(ip.get_string()) : std::string_view();
      auto wrong = meta::checkIp(text);
      for (const std::string& why : wrong) errors.push_back(meta::invalidField(path, ip, why));
      if (!wrong.empty()) continue;
      if (text.starts_with("127.") || text == "::1") {
        errors.push_back(meta::invalidField(path, ip, "may not be in the loopback range (127.0.0.0/8, ::1/128)"));
      } else if (text == "0.0.0.0" || text == "::") {
        errors.push_back(meta::invalidField(path, ip, "may not be unspecified (0.0.0.0 or ::)"));
      }
    }
  }
  if (const json::Value* ranges = spec.if_contains("loadBalancerSourceRanges"); ranges && ranges->is_array()) {
    size_t index = 0;
    for (const json::Value& range : ranges->get_array()) {
      auto parts = range.is_string() ? base::splitOnce(base::trim(range.get_string()), '/') : std::nullopt;
      auto length = parts ? base::parseInt<unsigned>(parts->second) : std::nullopt;
      bool v6 = parts && parts->first.find(':') != std::string_view::npos;
      if (!length || *length > (v6 ? 128u : 32u) || !meta::checkIp(parts->first).empty()) {
        errors.push_back(meta::invalidField(fmt::format("spec.LoadBalancerSourceRanges[{}]", index), range,
                                            "must be a list of IP ranges. For example, 10.240.0.0/24,10.250.0.0/24"));
      }
      ++index;
    }
  }
}

void checkSelector(const json::Object& spec, meta::FieldErrors& errors) {
  const json::Value* selector = spec.if_contains("selector");
  if (!selector || !selector->is_object()) return;
  for (const auto& [key, value] : selector->get_object()) {
    for (const std::string& wrong : meta::checkQualifiedName(key)) {
      errors.push_back(meta::invalidField("spec.selector", json::Value(key), wrong));
    }
    if (!value.is_string()) continue;
    for (const std::string& wrong : meta::checkLabelValue(value.get_string())) {
      errors.push_back(meta::invalidField("spec.selector", value, wrong));
    }
  }
}

void checkClusterIp(const json::Object& spec, const json::Value* old, meta::FieldErrors& errors) {
  const json::Value* list = spec.if_contains("clusterIPs");
  json::Value ip(getString(spec, "clusterIP"));
  std::string_view type = getString(spec, "type");
  if (getString(spec, "clusterIP") == kNone && (type == "NodePort" || type == "LoadBalancer")) {
    errors.push_back(meta::invalidField("spec.clusterIPs[0]", ip, "may not be set to 'None' for LoadBalancer services"));
  }
  if (list && list->is_array() && !list->get_array().empty() && list->get_array()[0] != ip) {
    errors.push_back(meta::invalidField("spec.clusterIPs", *list, "first value must match `clusterIP`"));
  }
  if (!ip.get_string().empty() && ip != json::Value(kNone)) {
    for (const std::string& wrong : meta::checkIp(ip.get_string())) {
      errors.push_back(meta::invalidField("spec.clusterIPs[0]", ip, wrong));
    }
  }
  if (!old || getString(*old, "spec.type") == "ExternalName" || type == "ExternalName") return;
  std::string_view before = getString(*old, "spec.clusterIP");
  if (!before.empty() && before != std::string_view(ip.get_string())) {
    errors.push_back(meta::invalidField("spec.clusterIPs[0]", list ? *list : json::Value(), "may not change once set"));
  }
}

void checkFamilies(const json::Object& spec, meta::FieldErrors& errors) {
  const json::Value* families = spec.if_contains("ipFamilies");
  if (!families || !families->is_array()) return;
  size_t index = 0;
  for (const json::Value& family : families->get_array()) {
    if (family == json::Value("IPv6")) {
      errors.push_back(meta::invalidField(fmt::format("spec.ipFamilies[{}]", index), family,
                                          "not configured on this cluster"));
    }
    ++index;
  }
}

}  // namespace

void validateService(const AdmissionRequest& request, meta::FieldErrors& errors) {
  if (request.operation == Operation::kDelete || !request.subresource.empty()) return;
  const json::Object& spec = request.object.at("spec").as_object();
  checkPorts(spec, errors);
  checkClusterIp(spec, request.old, errors);
  checkSelector(spec, errors);
  checkAddresses(spec, errors);
  checkFamilies(spec, errors);
  if (getString(spec, "type") == "ExternalName" && getString(spec, "externalName").empty()) {
    errors.push_back(meta::requiredField("spec.externalName"));
  }
}

// Taken last, when nothing else can refuse the Service any more; given back if the write fails.
void reserveService(AdmissionRequest& request) {
  if (request.operation == Operation::kDelete || !request.subresource.empty()) return;
  json::Object& spec = request.object.as_object()["spec"].as_object();
  const json::Value* old = request.old ? json::find(*request.old, "spec") : nullptr;
  static const json::Object kEmpty;
  const json::Object& before = old && old->is_object() ? old->get_object() : kEmpty;
  Allocator allocator(request);
  if (!hasClusterIp(before)) allocator.clusterIp(spec);
  if (usesNodePorts(spec)) allocator.nodePorts(spec, nodePortsOf(before));
  if (needsHealthCheckPort(spec) && getInt(before, "healthCheckNodePort") == 0) allocator.healthCheckPort(spec);
  releaseUnused(request, before, &spec);
}

}  // namespace wherry::apiserver
