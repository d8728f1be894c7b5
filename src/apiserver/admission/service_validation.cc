// Services: what may stand beside what.
#include <set>

#include <fmt/format.h>

#include "apiserver/admission/addresses.h"
#include "apiserver/admission/fields.h"
#include "apiserver/admission/hooks.h"
#include "apiserver/admission/service_families.h"
#include "base/strings.h"
#include "meta/names.h"

namespace wherry::apiserver {
namespace {

using json::getInt;
using json::getString;

constexpr std::string_view kNone = "None";

void checkTargetPort(const json::Value* target, const std::string& path, meta::FieldErrors& errors) {
  if (!target) return;
  if (target->is_string()) return addInvalid(path, *target, meta::checkPortName(target->get_string()), errors);
  int64_t number = target->is_int64() ? target->get_int64() : 0;
  if (number < 1 || number > 65535) {
    errors.push_back(meta::invalidField(path, *target, "must be between 1 and 65535, inclusive"));
  }
}

// What the ports of one Service must not share.
struct SeenPorts {
  std::set<std::string_view> names;
  std::set<std::pair<std::string_view, int64_t>> numbers, nodePorts;
};

void checkPortName(const json::Value& port, bool single, const std::string& path, SeenPorts& seen,
                   meta::FieldErrors& errors) {
  std::string_view name = getString(port, "name");
  if (name.empty()) {
    if (!single) errors.push_back(meta::requiredField(path));
    return;
  }
  addInvalid(path, json::Value(name), meta::checkDns1123Label(name), errors);
  if (!seen.names.insert(name).second) errors.push_back(meta::duplicateField(path, json::Value(name)));
}

void checkPort(const json::Value& port, bool isClusterIp, const std::string& path, SeenPorts& seen,
               meta::FieldErrors& errors) {
  std::string_view protocol = getString(port, "protocol", "TCP");
  int64_t number = getInt(port, "port"), nodePort = getInt(port, "nodePort");
  checkTargetPort(json::find(port, "targetPort"), path + ".targetPort", errors);
  if (nodePort != 0 && isClusterIp) {
    errors.push_back(meta::forbiddenField(path + ".nodePort", "may not be used when `type` is 'ClusterIP'"));
  }
  if (!seen.numbers.insert({protocol, number}).second) {
    errors.push_back(meta::duplicateField(path, json::Object{{"port", number}, {"protocol", protocol}}));
  }
  if (nodePort != 0 && !seen.nodePorts.insert({protocol, nodePort}).second) {
    errors.push_back(meta::duplicateField(path + ".nodePort", nodePort));
  }
}

void checkPorts(const json::Object& spec, meta::FieldErrors& errors) {
  const json::Array& ports = arrayAt(spec, "ports");
  std::string_view type = getString(spec, "type");
  if (ports.empty() && getString(spec, "clusterIP") != kNone && type != "ExternalName") {
    errors.push_back(meta::requiredField("spec.ports"));
  }
  SeenPorts seen;
  forEachItem(ports, "spec.ports", [&](const json::Value& port, const std::string& path) {
    checkPortName(port, ports.size() == 1, path + ".name", seen, errors);
    checkPort(port, type == "ClusterIP", path, seen, errors);
  });
}

void checkExternalIps(const json::Object& spec, meta::FieldErrors& errors) {
  forEachItem(arrayAt(spec, "externalIPs"), "spec.externalIPs", [&](const json::Value& ip, const std::string& path) {
    auto wrong = meta::checkIp(textOf(ip));
    addInvalid(path, ip, wrong.empty() ? checkUsableIp(textOf(ip)) : wrong, errors);
  });
}

// Upstream spells the field with a capital letter here.
void checkSourceRanges(const json::Object& spec, meta::FieldErrors& errors) {
  const json::Array& ranges = arrayAt(spec, "loadBalancerSourceRanges");
  if (!ranges.empty() && getString(spec, "type") != "LoadBalancer") {
    errors.push_back(
        meta::forbiddenField("spec.LoadBalancerSourceRanges", "may only be used when `type` is 'LoadBalancer'"));
  }
  forEachItem(ranges, "spec.LoadBalancerSourceRanges", [&](const json::Value& range, const std::string& path) {
    if (base::IpPrefix::parse(base::trim(textOf(range)))) return;
    errors.push_back(
        meta::invalidField(path, range, "must be a list of IP ranges. For example, 10.240.0.0/24,10.250.0.0/24"));
  });
}

void checkSelector(const json::Object& spec, meta::FieldErrors& errors) {
  for (const auto& [key, value] : objectAt(spec, "selector")) {
    addInvalid("spec.selector", json::Value(key), meta::checkQualifiedName(key), errors);
    if (value.is_string()) addInvalid("spec.selector", value, meta::checkLabelValue(value.get_string()), errors);
  }
}

void checkClusterIp(const json::Object& spec, const json::Value* old, meta::FieldErrors& errors) {
  std::string_view ip = getString(spec, "clusterIP"), type = getString(spec, "type");
  if (ip == kNone && (type == "NodePort" || type == "LoadBalancer")) {
    errors.push_back(meta::invalidField("spec.clusterIPs[0]", json::Value(ip),
                                        fmt::format("may not be set to 'None' for {} services", type)));
  }
  checkClusterIps(spec, errors);
  if (old) checkFamilyChanges(spec, objectAt(*old, "spec"), errors);
}

void checkExternalName(const json::Object& spec, meta::FieldErrors& errors) {
  if (getString(spec, "type") != "ExternalName") return;
  std::string_view name = getString(spec, "externalName");
  for (const char* field : {"clusterIPs", "ipFamilies"}) {
    if (arrayAt(spec, field).empty()) continue;
    errors.push_back(meta::forbiddenField(std::string("spec.") + field, "may not be set for ExternalName services"));
  }
  if (!getString(spec, "ipFamilyPolicy").empty()) {
    errors.push_back(meta::forbiddenField("spec.ipFamilyPolicy", "may not be set for ExternalName services"));
  }
  if (name.empty()) return errors.push_back(meta::requiredField("spec.externalName"));
  if (name.ends_with('.')) name.remove_suffix(1);  // a name from the root, as zone files write it
  addInvalid("spec.externalName", json::Value(name), meta::checkDns1123Subdomain(name), errors);
}

// Fields that mean nothing beside the others.
void checkBesides(const json::Object& spec, meta::FieldErrors& errors) {
  std::string_view type = getString(spec, "type"), traffic = getString(spec, "externalTrafficPolicy");
  bool balanced = type == "LoadBalancer";
  bool exposed = balanced || type == "NodePort" || (type == "ClusterIP" && !arrayAt(spec, "externalIPs").empty());
  if (!traffic.empty() && !exposed) {
    errors.push_back(meta::invalidField("spec.externalTrafficPolicy", json::Value(traffic),
                                        "may only be set for externally-accessible services"));
  }
  if (int64_t port = getInt(spec, "healthCheckNodePort"); port != 0 && !(balanced && traffic == "Local")) {
    errors.push_back(
        meta::invalidField("spec.healthCheckNodePort", port,
                           "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'"));
  }
  for (const char* field : {"allocateLoadBalancerNodePorts", "loadBalancerClass"}) {
    if (balanced || !spec.contains(field)) continue;
    errors.push_back(
        meta::forbiddenField(std::string("spec.") + field, "may only be used when `type` is 'LoadBalancer'"));
  }
  if (spec.contains("sessionAffinityConfig") && getString(spec, "sessionAffinity") == "None") {
    errors.push_back(
        meta::forbiddenField("spec.sessionAffinityConfig", "must not be set when session affinity is None"));
  }
}

}  // namespace

void validateService(const AdmissionRequest& request, meta::FieldErrors& errors) {
  if (!writesMain(request)) return;
  const json::Object& spec = objectAt(request.object, "spec");
  checkPorts(spec, errors);
  checkClusterIp(spec, request.old, errors);
  checkSelector(spec, errors);
  checkExternalIps(spec, errors);
  checkSourceRanges(spec, errors);
  checkExternalName(spec, errors);
  checkBesides(spec, errors);
}

}  // namespace wherry::apiserver
