#include "ingress/gateway_status.h"

#include <algorithm>
#include <array>
#include <variant>

#include <fmt/format.h>

#include "base/strings.h"
#include "ingress/gateway_names.h"
#include "meta/conditions.h"

namespace wherry::ingress {
namespace {

using json::getString;

json::Array arrayIn(const json::Object& object, std::string_view key) {
  const json::Value* list = object.if_contains(key);
  return list && list->is_array() ? list->get_array() : json::Array();
}

json::Object statusOf(const meta::ObjectPtr& object) {
  const json::Value* status = json::find(object->tree(), "status");
  return status && status->is_object() ? status->get_object() : json::Object();
}

// The conditions of one place in a status, for the generation that was looked at.
class ConditionList {
 public:
  ConditionList(json::Array conditions, int64_t generation, std::string_view now)
      : conditions_(std::move(conditions)), generation_(generation), now_(now) {}

  void set(std::string_view type, std::string_view status, std::string_view reason, std::string_view message) {
    meta::setCondition(conditions_,
                       {std::string(type), std::string(status), std::string(reason), std::string(message), generation_},
                       now_);
    // The standard wants one even where there is nothing to say.
    json::Object& last = conditions_.back().get_object();
    if (!last.contains("message")) last["message"] = "";
  }
  // True unless something was found against it.
  void judge(std::string_view type, const std::optional<Finding>& against, std::string_view reason,
             std::string_view message) {
    if (against) return set(type, "False", against->reason, against->message);
    set(type, "True", reason, message);
  }
  // There only while it is true.
  void setWhile(bool holds, std::string_view type, std::string_view reason, std::string_view message) {
    if (holds) return set(type, "True", reason, message);
    meta::removeCondition(conditions_, type);
  }
  json::Array take() { return std::move(conditions_); }

 private:
  json::Array conditions_;
  int64_t generation_;
  std::string_view now_;
};

// -- listeners --

std::optional<Finding> acceptance(const GatewayListener& listener) {
  if (listener.conflict) return Finding{"Invalid", listener.conflict->message};
  return listener.refused;
}

// HAProxy isn't there, or takes nothing of what it is told: that may change by itself.
std::optional<Finding> pending(const GatewayPlace& place) {
  if (place.trouble.empty()) return std::nullopt;
  return Finding{"Pending", "HAProxy: " + place.trouble};
}

std::optional<Finding> programming(const GatewayListener& listener, const std::optional<Finding>& refusal,
                                   const GatewayPlace& place) {
  if (refusal) return Finding{"Invalid", refusal->message};
  if (const auto against = acceptance(listener)) return Finding{"Invalid", against->message};
  if (!listener.serves()) return Finding{"Invalid", "there is no certificate that could be served"};
  return pending(place);
}

json::Array kindsOf(const GatewayListener& listener) {
  json::Array kinds;
  for (const std::string& kind : listener.kinds) {
    kinds.push_back(json::Object{{"group", kGatewayGroup}, {"kind", kind}});
  }
  return kinds;
}

json::Object listenerStatus(const GatewayListener& listener, const std::optional<Finding>& refusal,
                            const GatewayPlace& place, json::Array before, std::string_view now) {
  ConditionList conditions(std::move(before), listener.gateway.metadata().generation(), now);
  conditions.judge("Accepted", acceptance(listener), "Accepted", "the listener is accepted");
  if (listener.conflict) {
    conditions.set("Conflicted", "True", listener.conflict->reason, listener.conflict->message);
  } else {
    conditions.set("Conflicted", "False", "NoConflicts", "no listener is in its way");
  }
  conditions.judge("Programmed", programming(listener, refusal, place), "Programmed", "the listener is served");
  conditions.judge("ResolvedRefs", listener.unresolved, "ResolvedRefs", "all that it names is there");
  conditions.setWhile(!listener.overlap.empty(), "OverlappingTLSConfig", "OverlappingHostnames", listener.overlap);
  return {{"name", listener.name()},
          {"supportedKinds", kindsOf(listener)},
          {"attachedRoutes", listener.attached},
          {"conditions", conditions.take()}};
}

// The conditions that the listener of this name had.
json::Array conditionsBefore(const json::Object& status, std::string_view name) {
  for (const json::Value& each : arrayIn(status, "listeners")) {
    if (getString(each, "name") == name && each.is_object()) return arrayIn(each.get_object(), "conditions");
  }
  return {};
}

// -- Gateways --

using Addresses = std::variant<std::vector<std::string>, Finding>;

Addresses addressesOf(const gateway_v1::Gateway& gateway, const GatewayPlace& place) {
  std::vector<std::string> addresses;
  auto add = [&](const std::string& address) {
    if (std::ranges::find(addresses, address) == addresses.end()) addresses.push_back(address);
  };
  for (const auto wanted : gateway.spec().addresses()) {
    const std::string value(wanted.value());
    if (value.empty()) {
      std::ranges::for_each(place.addresses, add);
    } else if (std::ranges::find(place.addresses, value) != place.addresses.end()) {
      add(value);
    } else {
      return Finding{"AddressNotUsable", fmt::format("{} is no address of the node; those are {}", value,
                                                     base::join(place.addresses, ", "))};
    }
  }
  if (gateway.spec().addresses().empty()) addresses = place.addresses;
  if (addresses.empty()) return Finding{"AddressNotAssigned", "the node has no address yet"};
  return addresses;
}

json::Array renderAddresses(const Addresses& addresses) {
  json::Array rendered;
  const auto* all = std::get_if<std::vector<std::string>>(&addresses);
  if (!all) return rendered;
  for (const std::string& each : *all) rendered.push_back(json::Object{{"type", "IPAddress"}, {"value", each}});
  return rendered;
}

std::string refusedNames(const std::vector<GatewayListener>& listeners) {
  std::vector<std::string> names;
  for (const GatewayListener& each : listeners) {
    if (acceptance(each)) names.emplace_back(each.name());
  }
  return base::join(names, ", ");
}

void judgeAcceptance(ConditionList& conditions, const std::optional<Finding>& refusal,
                     const std::vector<GatewayListener>& listeners) {
  if (refusal) return conditions.set("Accepted", "False", refusal->reason, refusal->message);
  const std::string refused = refusedNames(listeners);
  const bool any = std::ranges::any_of(listeners, [](const GatewayListener& each) { return !acceptance(each); });
  if (!refused.empty()) {
    conditions.set("Accepted", any ? "True" : "False", "ListenersNotValid", "not accepted: " + refused);
  } else {
    conditions.set("Accepted", "True", "Accepted", "the Gateway is accepted");
  }
}

std::optional<Finding> programming(const std::optional<Finding>& refusal, const Addresses& addresses,
                                   const std::vector<GatewayListener>& listeners, const GatewayPlace& place) {
  if (refusal) return Finding{"Invalid", refusal->message};
  if (const auto* why = std::get_if<Finding>(&addresses)) return *why;
  if (std::ranges::any_of(listeners, &GatewayListener::serves)) return pending(place);
  return Finding{"Invalid", "no listener can be served"};
}

}  // namespace

// What of the standard beyond its core the tests show, by the alphabet as it wants it.
constexpr std::array kFeatures = {"BackendTLSPolicy",
                                  "GRPCRoute",
                                  "Gateway",
                                  "GatewayHTTPListenerIsolation",
                                  "HTTPRoute",
                                  "HTTPRouteBackendProtocolH2C",
                                  "HTTPRouteBackendRequestHeaderModification",
                                  "HTTPRouteCORS",
                                  "HTTPRouteHostRewrite",
                                  "HTTPRouteMethodMatching",
                                  "HTTPRouteParentRefPort",
                                  "HTTPRoutePathRedirect",
                                  "HTTPRoutePathRewrite",
                                  "HTTPRoutePortRedirect",
                                  "HTTPRouteQueryParamMatching",
                                  "HTTPRouteRequestMirror",
                                  "HTTPRouteRequestMultipleMirrors",
                                  "HTTPRouteRequestPercentageMirror",
                                  "HTTPRouteRequestTimeout",
                                  "HTTPRouteResponseHeaderModification",
                                  "HTTPRouteSchemeRedirect",
                                  "ReferenceGrant",
                                  "TLSRoute",
                                  "TLSRouteModeMixed",
                                  "TLSRouteModeTerminate"};

json::Object classStatus(const gateway_v1::GatewayClass& gatewayClass, std::string_view now) {
  json::Object status = statusOf(gatewayClass.object());
  ConditionList conditions(arrayIn(status, "conditions"), gatewayClass.metadata().generation(), now);
  std::optional<Finding> against;
  if (gatewayClass.spec().hasParametersRef())
    against = Finding{"InvalidParameters", "parametersRef: there are no parameters"};
  conditions.judge("Accepted", against, "Accepted", "Gateways of this class are served");
  conditions.set("SupportedVersion", "True", "SupportedVersion", "the kinds are built in, as in version 1.5");
  status["conditions"] = conditions.take();
  json::Array features;
  for (const char* name : kFeatures) features.push_back(json::Object{{"name", name}});
  status["supportedFeatures"] = std::move(features);
  return status;
}

std::optional<Finding> gatewayRefusal(const gateway_v1::Gateway& gateway) {
  const auto spec = gateway.spec();
  if (spec.infrastructure().hasParametersRef()) {
    return Finding{"InvalidParameters", "spec.infrastructure.parametersRef: there are no parameters"};
  }
  if (spec.tls().hasBackend()) {
    return Finding{"UnsupportedValue", "spec.tls.backend: no certificate is shown to backends"};
  }
  for (const auto address : spec.addresses()) {
    if (address.type() == "IPAddress") continue;
    return Finding{"UnsupportedAddress", fmt::format("addresses of type {} can't be had", address.type())};
  }
  return std::nullopt;
}

json::Object gatewayStatus(const gateway_v1::Gateway& gateway, const std::vector<GatewayListener>& listeners,
                           const GatewayPlace& place, std::string_view now) {
  json::Object status = statusOf(gateway.object());
  const auto refusal = gatewayRefusal(gateway);
  const Addresses addresses = addressesOf(gateway, place);
  json::Array all;
  for (const GatewayListener& each : listeners) {
    all.push_back(listenerStatus(each, refusal, place, conditionsBefore(status, each.name()), now));
  }
  ConditionList conditions(arrayIn(status, "conditions"), gateway.metadata().generation(), now);
  judgeAcceptance(conditions, refusal, listeners);
  conditions.judge("Programmed", programming(refusal, addresses, listeners, place), "Programmed",
                   "the Gateway is served");
  status["conditions"] = conditions.take();
  status["listeners"] = std::move(all);
  json::Array rendered = renderAddresses(addresses);
  if (rendered.empty()) {
    status.erase("addresses");
  } else {
    status["addresses"] = std::move(rendered);
  }
  return status;
}

// -- routes and policies --

namespace {

bool isOurs(const json::Value& entry) { return getString(entry, "controllerName") == kGatewayController; }

// What was said before of the reference in this field, and by us.
json::Object entryBefore(const json::Array& entries, std::string_view field, const json::Object& reference) {
  for (const json::Value& each : entries) {
    const json::Value* theirs = json::find(each, field);
    if (isOurs(each) && theirs && json::equal(*theirs, json::Value(reference))) return each.get_object();
  }
  return {};
}

json::Array entriesOfOthers(const json::Array& entries) {
  json::Array others;
  std::ranges::remove_copy_if(entries, std::back_inserter(others), isOurs);
  return others;
}

json::Object parentStatus(const ParentVerdict& verdict, json::Object before, int64_t generation, std::string_view now) {
  ConditionList conditions(arrayIn(before, "conditions"), generation, now);
  conditions.judge("Accepted", verdict.refused, "Accepted", "the route is accepted");
  conditions.judge("ResolvedRefs", verdict.unresolved, "ResolvedRefs", "all that it names is there");
  conditions.setWhile(!verdict.refused && !verdict.dropped.empty(), "PartiallyInvalid", "UnsupportedValue",
                      verdict.dropped);
  return {{"parentRef", verdict.reference.tree()},
          {"controllerName", kGatewayController},
          {"conditions", conditions.take()}};
}

json::Object ancestorStatus(const AncestorVerdict& verdict, const json::Array& before, int64_t generation,
                            std::string_view now) {
  const json::Object reference{
      {"group", kGatewayGroup}, {"kind", "Gateway"}, {"namespace", verdict.gateway.ns}, {"name", verdict.gateway.name}};
  ConditionList conditions(arrayIn(entryBefore(before, "ancestorRef", reference), "conditions"), generation, now);
  conditions.judge("Accepted", verdict.refused, "Accepted", "the policy is accepted");
  conditions.judge("ResolvedRefs", verdict.unresolved, "ResolvedRefs", "all that it names is there");
  return {{"ancestorRef", reference}, {"controllerName", kGatewayController}, {"conditions", conditions.take()}};
}

constexpr size_t kMostAncestors = 16;  // more aren't admitted

}  // namespace

json::Object policyStatus(const gateway_v1::BackendTLSPolicy& policy, const std::vector<AncestorVerdict>& verdicts,
                          std::string_view now) {
  json::Object status = statusOf(policy.object());
  const json::Array before = arrayIn(status, "ancestors");
  json::Array ancestors = entriesOfOthers(before);
  for (const AncestorVerdict& each : verdicts) {
    if (ancestors.size() == kMostAncestors) break;
    ancestors.push_back(ancestorStatus(each, before, policy.metadata().generation(), now));
  }
  if (!ancestors.empty() || status.contains("ancestors")) status["ancestors"] = std::move(ancestors);
  return status;
}

json::Object routeStatus(const RouteView& route, const std::vector<ParentVerdict>& verdicts, std::string_view now) {
  json::Object status = statusOf(route.object);
  const json::Array before = arrayIn(status, "parents");
  json::Array parents = entriesOfOthers(before);
  for (const ParentVerdict& each : verdicts) {
    parents.push_back(parentStatus(each, entryBefore(before, "parentRef", each.reference.tree()),
                                   route.metadata().generation(), now));
  }
  if (!parents.empty() || status.contains("parents")) status["parents"] = std::move(parents);
  return status;
}

}  // namespace wherry::ingress
