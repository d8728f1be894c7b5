#include "apiserver/quota/usage.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include <fmt/format.h>

#include "apiserver/admission/fields.h"
#include "apiserver/admission/pod_spec.h"
#include "base/strings.h"

namespace wherry::apiserver::quota {
namespace {

using json::getString;
using meta::Quantity;

bool isCore(const meta::GroupResource& resource, std::string_view name) {
  return resource.group.empty() && resource.resource == name;
}

// -- usage ----------------------------------------------------------------------------------------------------------

bool isTerminal(const json::Value& pod) {
  std::string_view phase = getString(pod, "status.phase");
  return phase == "Succeeded" || phase == "Failed";
}

bool hasShortName(const std::string& name) { return name == "cpu" || name == "memory" || name == "ephemeral-storage"; }

// cpu and requests.cpu are two names of one thing.
Resources podUsage(const json::Value& pod) {
  if (isTerminal(pod)) return {};
  Resources usage{{"pods", Quantity::of(1)}};
  const json::Object& spec = objectAt(pod, "spec");
  for (const auto& [name, quantity] : podResources(spec, "requests")) {
    usage["requests." + name] = quantity;
    if (hasShortName(name) || name.starts_with("hugepages-")) usage[name] = quantity;
  }
  for (const auto& [name, quantity] : podResources(spec, "limits")) usage["limits." + name] = quantity;
  return usage;
}

Resources serviceUsage(const json::Value& service) {
  Resources usage{{"services", Quantity::of(1)}};
  std::string_view type = getString(service, "spec.type");
  if (type == "LoadBalancer") usage["services.loadbalancers"] = Quantity::of(1);
  bool exposed = type == "NodePort" ||
                 (type == "LoadBalancer" && json::getBool(service, "spec.allocateLoadBalancerNodePorts", true));
  auto ports = static_cast<int64_t>(arrayAt(service, "spec.ports").size());
  if (exposed) usage["services.nodeports"] = Quantity::of(ports);
  return usage;
}

Resources claimUsage(const json::Value& claim) {
  Resources usage{{"persistentvolumeclaims", Quantity::of(1)}};
  // What is being allocated counts too, until the claim is as small again (KEP-1790).
  const Quantity storage = std::max(readResources(objectAt(claim, "spec.resources.requests"))["storage"],
                                    readResources(objectAt(claim, "status.allocatedResources"))["storage"]);
  usage["requests.storage"] = storage;
  if (std::string prefix(getString(claim, "spec.storageClassName")); !prefix.empty()) {
    prefix += ".storageclass.storage.k8s.io/";
    usage[prefix + "requests.storage"] = storage;
    usage[prefix + "persistentvolumeclaims"] = Quantity::of(1);
  }
  return usage;
}

std::string countName(const meta::GroupResource& resource) { return "count/" + resource.text(); }

Resources usageOf(const meta::GroupResource& resource, const json::Value& object) {
  Resources usage{{countName(resource), Quantity::of(1)}};
  if (!resource.group.empty()) return usage;
  if (resource.resource == "pods") {
    usage.merge(podUsage(object));
  } else if (resource.resource == "services") {
    usage.merge(serviceUsage(object));
  } else if (resource.resource == "persistentvolumeclaims") {
    usage.merge(claimUsage(object));
  } else {
    usage[resource.resource] = Quantity::of(1);
  }
  return usage;
}

// -- scopes ---------------------------------------------------------------------------------------------------------

bool hasValue(const json::Array& values, std::string_view wanted) {
  return std::any_of(values.begin(), values.end(), [&](const json::Value& value) { return textOf(value) == wanted; });
}

// Whether a name is among those that a selector's operator and values let through.
bool selects(std::string_view op, const json::Array& values, std::string_view name) {
  if (op == "In") return hasValue(values, name);
  if (op == "NotIn") return !hasValue(values, name);
  return (op == "DoesNotExist") == name.empty();
}

bool looksAcrossNamespaces(const json::Object& spec) {
  auto across = [](const json::Value& term) {
    return !arrayAt(term, "namespaces").empty() || json::find(term, "namespaceSelector");
  };
  for (const char* kind : {"affinity.podAffinity", "affinity.podAntiAffinity"}) {
    const json::Object& affinity = objectAt(spec, kind);
    const json::Array& hard = arrayAt(affinity, "requiredDuringSchedulingIgnoredDuringExecution");
    if (std::any_of(hard.begin(), hard.end(), across)) return true;
    for (const json::Value& each : arrayAt(affinity, "preferredDuringSchedulingIgnoredDuringExecution")) {
      if (across(objectAt(each, "podAffinityTerm"))) return true;
    }
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
  if (scope == "CrossNamespacePodAffinity") return looksAcrossNamespaces(spec);
  return scope == "PriorityClass" && selects(op, values, getString(spec, "priorityClassName"));
}

bool isClaimInScope(std::string_view scope, std::string_view op, const json::Array& values, const json::Value& claim) {
  return scope == "VolumeAttributesClass" && selects(op, values, getString(claim, "spec.volumeAttributesClassName"));
}

// A quota with scopes is about those pods, or claims, alone.
bool appliesTo(const json::Value& quota, const meta::GroupResource& resource, const json::Value& object) {
  const json::Array &scopes = arrayAt(quota, "spec.scopes"),
                    &selectors = arrayAt(quota, "spec.scopeSelector.matchExpressions");
  if (scopes.empty() && selectors.empty()) return true;
  bool claim = isCore(resource, "persistentvolumeclaims");
  if (!claim && !isCore(resource, "pods")) return false;
  auto inScope = claim ? isClaimInScope : isInScope;
  return std::all_of(scopes.begin(), scopes.end(),
                     [&](const json::Value& scope) { return inScope(textOf(scope), "Exists", {}, object); }) &&
         std::all_of(selectors.begin(), selectors.end(), [&](const json::Value& each) {
           return inScope(getString(each, "scopeName"), getString(each, "operator"), arrayAt(each, "values"), object);
         });
}

// -- what a name is about -------------------------------------------------------------------------------------------

meta::GroupResource countedBy(std::string_view name) {
  if (name.starts_with("count/")) {
    auto rest = name.substr(6);
    auto dot = rest.find('.');
    if (dot == std::string_view::npos) return {"", std::string(rest)};
    return {std::string(rest.substr(dot + 1)), std::string(rest.substr(0, dot))};
  }
  if (name.starts_with("services.")) return {"", "services"};
  if (name == "requests.storage" || name.find(".storageclass.storage.k8s.io/") != std::string_view::npos) {
    return {"", "persistentvolumeclaims"};
  }
  static constexpr std::array<std::string_view, 7> kPlain = {
      "services",       "secrets", "configmaps", "persistentvolumeclaims", "replicationcontrollers",
      "resourcequotas", "pods"};
  bool plain = std::find(kPlain.begin(), kPlain.end(), name) != kPlain.end();
  return {"", plain ? std::string(name) : "pods"};
}

constexpr std::array<std::string_view, 6> kComputed = {"cpu",        "memory",       "requests.cpu", "requests.memory",
                                                       "limits.cpu", "limits.memory"};

bool says(const json::Object& container, std::string_view name) {
  const json::Object &requests = objectAt(container, "resources.requests"),
                     &limits = objectAt(container, "resources.limits");
  if (name.starts_with("limits.")) return limits.contains(name.substr(7));
  if (name.starts_with("requests.")) return requests.contains(name.substr(9));
  return requests.contains(name);
}

}  // namespace

bool isIgnored(const meta::GroupResource& resource) { return resource.resource == "events"; }

Resources hardOf(const json::Value& quota) { return readResources(objectAt(quota, "spec.hard")); }

Resources usageIn(const json::Value& quota, const meta::GroupResource& resource, const json::Value& object) {
  if (!appliesTo(quota, resource, object)) return {};
  Resources usage = usageOf(resource, object);
  const json::Object& hard = objectAt(quota, "spec.hard");
  std::erase_if(usage, [&](const auto& each) { return !hard.contains(each.first); });
  return usage;
}

std::vector<meta::GroupResource> countedResources(const json::Value& quota) {
  std::set<meta::GroupResource> resources;
  for (const auto& [name, limit] : objectAt(quota, "spec.hard")) resources.insert(countedBy(name));
  return {resources.begin(), resources.end()};
}

std::string missingAmounts(const json::Value& quota, const json::Value& pod) {
  std::map<std::string, std::set<std::string>> missing;
  if (!appliesTo(quota, {"", "pods"}, pod)) return {};
  const json::Object& hard = objectAt(quota, "spec.hard");
  forEachContainer(objectAt(pod, "spec"), "", [&](const json::Object& container, const std::string& path) {
    if (path.starts_with(".ephemeral")) return;
    for (std::string_view name : kComputed) {
      if (hard.contains(name) && !says(container, name))
        missing[std::string(name)].emplace(getString(container, "name"));
    }
  });
  std::vector<std::string> sentences;
  for (const auto& [name, containers] : missing) {
    sentences.push_back(fmt::format("{} for: {}", name, fmt::join(containers, ",")));
  }
  return base::join(sentences, "; ");
}

json::Object renderAmounts(const Resources& amounts) {
  json::Object rendered;
  for (const auto& [name, quantity] : amounts) rendered[name] = quantity.text();
  return rendered;
}

}  // namespace wherry::apiserver::quota
