// ResourceQuotas: what a namespace may use together, counted over what stands in the store when an object comes in.
//
// Two creates at the same moment may both find room for one.
#include <fmt/format.h>

#include "apiserver/admission/fields.h"
#include "apiserver/admission/hooks.h"
#include "apiserver/admission/pod_resources.h"
#include "apiserver/admission/pod_spec.h"
#include "base/strings.h"
#include "meta/names.h"

namespace wherry::apiserver {
namespace {

using json::getString;

bool isTerminal(const json::Value& pod) {
  std::string_view phase = getString(pod, "status.phase");
  return phase == "Succeeded" || phase == "Failed";
}

// cpu and requests.cpu are two names of one thing.
Resources podUsage(const json::Value& pod) {
  if (isTerminal(pod)) return {};
  Resources usage{{"pods", meta::Quantity::of(1)}};
  const json::Object& spec = objectAt(pod, "spec");
  for (const auto& [name, quantity] : podResources(spec, "requests")) {
    usage["requests." + name] = quantity;
    if (name == "cpu" || name == "memory" || name == "ephemeral-storage") usage[name] = quantity;
  }
  for (const auto& [name, quantity] : podResources(spec, "limits")) usage["limits." + name] = quantity;
  return usage;
}

Resources serviceUsage(const json::Value& service) {
  Resources usage{{"services", meta::Quantity::of(1)}};
  std::string_view type = getString(service, "spec.type");
  if (type == "LoadBalancer") usage["services.loadbalancers"] = meta::Quantity::of(1);
  bool exposed = type == "NodePort" ||
                 (type == "LoadBalancer" && json::getBool(service, "spec.allocateLoadBalancerNodePorts", true));
  auto ports = static_cast<int64_t>(arrayAt(service, "spec.ports").size());
  if (exposed) usage["services.nodeports"] = meta::Quantity::of(ports);
  return usage;
}

Resources claimUsage(const json::Value& claim) {
  Resources usage{{"persistentvolumeclaims", meta::Quantity::of(1)}};
  Resources requests = readResources(objectAt(claim, "spec.resources.requests"));
  usage["requests.storage"] = requests["storage"];
  if (std::string prefix(getString(claim, "spec.storageClassName")); !prefix.empty()) {
    prefix += ".storageclass.storage.k8s.io/";
    usage[prefix + "requests.storage"] = requests["storage"];
    usage[prefix + "persistentvolumeclaims"] = meta::Quantity::of(1);
  }
  return usage;
}

Resources usageOf(const meta::Resource& resource, const json::Value& object) {
  Resources usage;
  std::string suffix = resource.group.empty() ? "" : "." + resource.group;
  usage["count/" + resource.resource + suffix] = meta::Quantity::of(1);
  if (!resource.group.empty()) return usage;
  if (resource.resource == "pods") {
    usage.merge(podUsage(object));
  } else if (resource.resource == "services") {
    usage.merge(serviceUsage(object));
  } else if (resource.resource == "persistentvolumeclaims") {
    usage.merge(claimUsage(object));
  } else {
    usage[resource.resource] = meta::Quantity::of(1);
  }
  return usage;
}

// -- scopes ---------------------------------------------------------------------------------------------------------

bool hasValue(const json::Array& values, std::string_view wanted) {
  for (const json::Value& value : values) {
    if (textOf(value) == wanted) return true;
  }
  return false;
}

bool isInScope(std::string_view scope, std::string_view op, const json::Array& values, const json::Value& pod) {
  const json::Object& spec = objectAt(pod, "spec");
  bool ends = spec.contains("activeDeadlineSeconds"), bestEffort = qosClass(spec) == "BestEffort";
  if (scope == "Terminating") return ends;
  if (scope == "NotTerminating") return !ends;
  if (scope == "BestEffort") return bestEffort;
  if (scope == "NotBestEffort") return !bestEffort;
  if (scope != "PriorityClass") return false;
  std::string_view priorityClass = getString(spec, "priorityClassName");
  if (op == "In") return hasValue(values, priorityClass);
  if (op == "NotIn") return !hasValue(values, priorityClass);
  return (op == "DoesNotExist") == priorityClass.empty();
}

// A quota with scopes is about those pods alone.
bool appliesTo(const json::Value& quota, const meta::Resource& resource, const json::Value& object) {
  const json::Array &scopes = arrayAt(quota, "spec.scopes"),
                    &selectors = arrayAt(quota, "spec.scopeSelector.matchExpressions");
  if (scopes.empty() && selectors.empty()) return true;
  if (resource.resource != "pods" || !resource.group.empty()) return false;
  for (const json::Value& scope : scopes) {
    if (!isInScope(textOf(scope), "Exists", {}, object)) return false;
  }
  for (const json::Value& each : selectors) {
    if (!isInScope(getString(each, "scopeName"), getString(each, "operator"), arrayAt(each, "values"), object))
      return false;
  }
  return true;
}

// -- the check ------------------------------------------------------------------------------------------------------

// What the write adds: nothing of what an update had before.
Resources additionOf(const AdmissionRequest& request, const json::Value& quota) {
  Resources addition = usageOf(request.kind.resource, request.object);
  if (request.old && appliesTo(quota, request.kind.resource, *request.old)) {
    for (const auto& [name, before] : usageOf(request.kind.resource, *request.old)) {
      if (auto at = addition.find(name); at != addition.end()) at->second = at->second - before;
    }
  }
  return addition;
}

Resources usedOf(const AdmissionRequest& request, const json::Value& quota) {
  Resources used;
  const meta::Resource& resource = request.kind.resource;
  for (const meta::ObjectPtr& other : request.objects.list(resource.groupResource(), request.ns)) {
    if (appliesTo(quota, resource, other->tree())) add(used, usageOf(resource, other->tree()));
  }
  return used;
}

bool isComputed(std::string_view name) {
  return name == "cpu" || name == "memory" || name == "requests.cpu" || name == "requests.memory" ||
         name == "limits.cpu" || name == "limits.memory";
}

[[noreturn]] void refuse(const AdmissionRequest& request, std::string why) {
  throw meta::forbidden(request.kind.resource.groupResource(), request.name, std::move(why));
}

// A quota on computing resources can only be kept when every pod says what it takes.
void requireAmounts(const AdmissionRequest& request, const std::string& quota, const Resources& hard,
                    const Resources& addition) {
  if (request.kind.resource.kind != "Pod" || request.old) return;
  for (const auto& [name, limit] : hard) {
    if (isComputed(name) && !addition.contains(name))
      refuse(request, fmt::format("failed quota: {}: must specify {}", quota, name));
  }
}

void checkQuota(const AdmissionRequest& request, const meta::Object& quota) {
  Resources hard = readResources(objectAt(quota.tree(), "spec.hard"));
  Resources addition = additionOf(request, quota.tree());
  std::string name(quota.metadata().name());
  requireAmounts(request, name, hard, addition);
  std::erase_if(addition, [&](const auto& each) {
    return !hard.contains(each.first) || each.second.zero() || each.second.negative();
  });
  if (addition.empty()) return;
  Resources used = usedOf(request, quota.tree());
  std::vector<std::string> wanted, there, limits;
  for (const auto& [what, amount] : addition) {
    if (used[what] + amount <= hard[what]) continue;
    wanted.push_back(what + "=" + amount.text());
    there.push_back(what + "=" + used[what].text());
    limits.push_back(what + "=" + hard[what].text());
  }
  if (wanted.empty()) return;
  refuse(request, fmt::format("exceeded quota: {}, requested: {}, used: {}, limited: {}", name, base::join(wanted, ","),
                              base::join(there, ","), base::join(limits, ",")));
}

}  // namespace

void reserveQuota(AdmissionRequest& request) {
  if (!writesMain(request)) return;
  for (const meta::ObjectPtr& quota : request.objects.list({"", "resourcequotas"}, request.ns)) {
    if (appliesTo(quota->tree(), request.kind.resource, request.object)) checkQuota(request, *quota);
  }
}

void validateResourceQuota(const AdmissionRequest& request, meta::FieldErrors& errors) {
  if (!writesMain(request)) return;
  for (const auto& [name, quantity] : readResources(objectAt(request.object, "spec.hard"))) {
    std::string path = "spec.hard[" + name + "]";
    addInvalid(path, json::Value(name), meta::checkQualifiedName(name), errors);
    if (quantity.negative()) {
      errors.push_back(meta::invalidField(path, json::Value(quantity.text()), "must be greater than or equal to 0"));
    }
  }
  if (request.old && !sameAt(request.object, *request.old, "spec.scopes")) {
    const json::Value* scopes = json::find(request.object, "spec.scopes");
    errors.push_back(meta::invalidField("spec.scopes", scopes ? *scopes : json::Value(), "field is immutable"));
  }
}

}  // namespace wherry::apiserver
