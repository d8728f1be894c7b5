#include "ingress/gateway_routes.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "base/strings.h"
#include "ingress/gateway_attachment.h"
#include "ingress/gateway_filters.h"
#include "ingress/gateway_hosts.h"
#include "ingress/gateway_names.h"
#include "ingress/gateway_status.h"

namespace wherry::ingress {
namespace {

using Protocol = GatewayListener::Protocol;
using End = Passthrough::End;

Origin originOf(const gateway_v1::Gateway& gateway) {
  return {"Gateway", std::string(gateway.metadata().ns()), std::string(gateway.metadata().name())};
}

struct ServedGateway {
  gateway_v1::Gateway gateway;
  std::vector<GatewayListener> listeners;
};

bool isOlder(const ServedGateway& a, const ServedGateway& b) {
  const auto left = a.gateway.metadata(), right = b.gateway.metadata();
  return std::tuple(left.creationTimestamp(), left.ns(), left.name()) <
         std::tuple(right.creationTimestamp(), right.ns(), right.name());
}

// A route on its way: what it says, its rules, and what each of its parents of ours says.
struct RouteOnItsWay {
  RouteView view;
  meta::Resource resource;
  CompiledRules rules;
  CompiledRules streams;  // of a TLSRoute, where TLS ends before its backends
  std::vector<ParentVerdict> verdicts;

  const CompiledRules& rulesFor(const GatewayListener& listener) const {
    return listener.protocol == Protocol::kTls && listener.endsTls() ? streams : rules;
  }
};

class Compiler {
 public:
  Compiler(const GatewayObjects& objects, const Sources& sources, const GatewayPlace& place, std::string_view now)
      : objects_(objects),
        sources_(sources),
        place_(place),
        now_(now),
        grants_(objects.grants),
        policies_(objects.tlsPolicies, sources),
        noPolicies_({}, sources) {}

  GatewayContribution compile() {
    readGateways();
    readRoutes();
    openPorts();
    for (RouteOnItsWay& route : routes_) attachRoute(route);
    closeHosts();
    closeNames();
    addStatuses();
    return std::move(result_);
  }

 private:
  void readGateways();
  void findCloser();
  void readRoutes();
  template <typename Route>
  void readRoutesOf(const std::vector<Route>& routes, std::string_view kind);
  void openPorts();
  void addCertificates(Port& port, const GatewayListener& listener);
  ServedGateway* findGateway(const RouteView& route, const gateway_v1::ParentReference& reference);
  void attachRoute(RouteOnItsWay& route);
  void attachTo(RouteOnItsWay& route, const gateway_v1::ParentReference& reference, ServedGateway& parent);
  bool givesWay(const RouteView& route, const Attachment& attachment) const;
  bool isAnothers(const GatewayListener& listener, const std::string& host) const;
  void addRoutes(const RouteOnItsWay& route, const Attachment& attachment);
  void addMatch(const RouteOnItsWay& route, const GatewayListener& listener, const std::string& host,
                const CompiledRule& rule, const RequestMatch& match);
  void closeHosts();
  void closeNames();
  void addStatuses();
  void addPolicyStatus(const TlsPolicy& policy);
  void addStatus(const meta::Resource& resource, const meta::ObjectPtr& object, json::Object status);

  const GatewayObjects& objects_;
  const Sources& sources_;
  const GatewayPlace& place_;
  std::string_view now_;
  ReferenceGrants grants_;
  TlsPolicies policies_;
  TlsPolicies noPolicies_;                 // for TLS of clients that is handed on: it needs none of ours
  std::vector<ServedGateway> gateways_;    // the oldest first
  std::vector<GatewayListener*> serving_;  // of all of them
  std::vector<RouteOnItsWay> routes_;      // likewise
  std::map<meta::ObjectKey, ServedGateway*> byKey_;
  std::map<const ServedGateway*, std::set<meta::ObjectKey>> services_;  // that its routes lead to, but for TLSRoutes
  // Of each listener those on its port that are closer to some of its hosts.
  std::map<const GatewayListener*, std::vector<const GatewayListener*>> closer_;
  // Of each listener the hosts that a kind of route has: HTTPRoutes and GRPCRoutes don't share one.
  std::map<const GatewayListener*, std::map<std::string_view, std::vector<std::string>>> owned_;
  GatewayContribution result_;
};

void Compiler::readGateways() {
  std::set<std::string, std::less<>> classes;
  for (const auto& each : objects_.classes) {
    if (each.spec().controllerName() == kGatewayController && !each.spec().hasParametersRef()) {
      classes.emplace(each.metadata().name());
    }
  }
  const ListenerInput input{grants_, sources_, place_, result_.secrets};
  for (const auto& gateway : objects_.gateways) {
    if (!classes.contains(gateway.spec().gatewayClassName())) continue;
    gateways_.push_back({gateway, readListeners(gateway, input)});
  }
  std::ranges::sort(gateways_, isOlder);
  std::vector<GatewayListener*> all;
  for (ServedGateway& each : gateways_) {
    if (gatewayRefusal(each.gateway)) continue;
    for (GatewayListener& listener : each.listeners) all.push_back(&listener);
  }
  findConflicts(all);
  std::ranges::copy_if(all, std::back_inserter(serving_), [](const GatewayListener* each) { return each->serves(); });
  for (ServedGateway& each : gateways_) byKey_[each.gateway.key()] = &each;
  findCloser();
}

void Compiler::findCloser() {
  for (const GatewayListener* one : serving_) {
    for (const GatewayListener* other : serving_) {
      const bool inside =
          other->port == one->port && other->hostname != one->hostname && isWithin(other->hostname, one->hostname);
      if (inside) closer_[one].push_back(other);
    }
  }
}

template <typename Route>
void Compiler::readRoutesOf(const std::vector<Route>& routes, std::string_view kind) {
  for (const Route& each : routes) {
    const RouteView view{kind, each.object()};
    const bool isOfTls = kind == kTlsRoute;
    CompiledRules rules = compileRules(view, grants_, policies_, sources_);
    if (!isOfTls) {
      routes_.push_back({view, Route::kResource(), std::move(rules), {}, {}});
    } else {
      routes_.push_back(
          {view, Route::kResource(), compileRules(view, grants_, noPolicies_, sources_), std::move(rules), {}});
    }
  }
}

void Compiler::readRoutes() {
  readRoutesOf(objects_.httpRoutes, kHttpRoute);
  readRoutesOf(objects_.grpcRoutes, kGrpcRoute);
  readRoutesOf(objects_.tlsRoutes, kTlsRoute);
  std::ranges::sort(routes_, [](const auto& a, const auto& b) { return comesFirst(a.view, b.view); });
}

// -- ports --

void Compiler::openPorts() {
  for (const GatewayListener* listener : serving_) {
    Port& port = result_.model.ports.try_emplace(listener->port).first->second;
    port.number = listener->port;
    port.tls = listener->hasTls();
    addCertificates(port, *listener);
  }
}

void Compiler::addCertificates(Port& port, const GatewayListener& listener) {
  for (const Certificate& each : listener.certificates) {
    const auto same = std::ranges::find(port.certificates, each.name, &Certificate::name);
    if (same == port.certificates.end()) {
      port.certificates.push_back(each);
      continue;
    }
    for (const HostPattern& host : each.hosts) {
      if (std::ranges::find(same->hosts, host) == same->hosts.end()) same->hosts.push_back(host);
    }
  }
}

// -- routes --

// Null when the parent is nobody's, or somebody else's.
ServedGateway* Compiler::findGateway(const RouteView& route, const gateway_v1::ParentReference& reference) {
  if (reference.group() != kGatewayGroup || reference.kind() != "Gateway") return nullptr;
  const std::string_view ns = reference.namespace_().empty() ? route.nameSpace() : reference.namespace_();
  const auto at = byKey_.find({std::string(ns), std::string(reference.name())});
  return at == byKey_.end() ? nullptr : at->second;
}

void Compiler::attachRoute(RouteOnItsWay& route) {
  for (const auto& reference : route.view.parentRefs()) {
    if (ServedGateway* parent = findGateway(route.view, reference)) attachTo(route, reference, *parent);
  }
}

void Compiler::attachTo(RouteOnItsWay& route, const gateway_v1::ParentReference& reference, ServedGateway& parent) {
  AttachmentOutcome outcome = attach(route.view, reference, parent.listeners, sources_);
  const auto ending =
      std::ranges::find_if(outcome.attachments, [](const auto& each) { return each.listener->endsTls(); });
  const bool isHandedOn = route.view.kind == kTlsRoute && ending == outcome.attachments.end();
  const CompiledRules& rules = ending == outcome.attachments.end() ? route.rules : route.rulesFor(*ending->listener);
  ParentVerdict verdict{reference, std::nullopt, rules.unresolved, ""};
  verdict.refused = outcome.refused;
  const auto refused = place_.refused.find(route.view.origin());
  if (!verdict.refused && refused != place_.refused.end()) {
    verdict.refused = Finding{"UnsupportedValue", refused->second};
  }
  const std::string dropped = base::join(rules.dropped, "; ");
  if (!verdict.refused && !dropped.empty()) {
    if (rules.rules.empty()) verdict.refused = Finding{"UnsupportedValue", dropped};
    verdict.dropped = "Dropped Rules: " + dropped;
  }
  std::erase_if(outcome.attachments, [&](const Attachment& each) { return givesWay(route.view, each); });
  if (!verdict.refused && outcome.attachments.empty()) {
    verdict.refused = Finding{"HostnameConflict", "an older route of another kind has the hostnames"};
  }
  if (!verdict.refused) {
    for (const Attachment& each : outcome.attachments) addRoutes(route, each);
    if (!isHandedOn) services_[&parent].insert(route.rules.services.begin(), route.rules.services.end());
  }
  route.verdicts.push_back(std::move(verdict));
}

// An older HTTPRoute has a host that this GRPCRoute is for, or the other way round.
bool Compiler::givesWay(const RouteView& route, const Attachment& attachment) const {
  const auto owned = owned_.find(attachment.listener);
  if (owned == owned_.end()) return false;
  auto meets = [&](const std::string& theirs) {
    return std::ranges::any_of(attachment.hosts,
                               [&](const std::string& ours) { return commonHost(ours, theirs).has_value(); });
  };
  return std::ranges::any_of(owned->second, [&](const auto& kind) {
    return kind.first != route.kind && std::ranges::any_of(kind.second, meets);
  });
}

// Another listener of the port is closer to the host: requests for it are that one's alone.
bool Compiler::isAnothers(const GatewayListener& listener, const std::string& host) const {
  const auto closer = closer_.find(&listener);
  return closer != closer_.end() && std::ranges::any_of(closer->second, [&](const GatewayListener* other) {
           return isWithin(host, other->hostname);
         });
}

void Compiler::addRoutes(const RouteOnItsWay& route, const Attachment& attachment) {
  GatewayListener& listener = *attachment.listener;
  ++listener.attached;
  auto& owned = owned_[&listener][route.view.kind];
  owned.insert(owned.end(), attachment.hosts.begin(), attachment.hosts.end());
  if (!listener.serves() || gatewayRefusal(listener.gateway)) return;
  Port& port = result_.model.ports.at(listener.port);
  for (const std::string& host : attachment.hosts) {
    if (isAnothers(listener, host)) continue;
    for (const CompiledRule& rule : route.rulesFor(listener).rules) {
      if (listener.protocol == Protocol::kTls) {
        port.passthroughs.push_back({route.view.origin(), hostPattern(host), rule.to.front().to,
                                     listener.endsTls() ? End::kHere : End::kBackend});
        continue;
      }
      for (const RequestMatch& match : rule.matches) addMatch(route, listener, host, rule, match);
    }
  }
}

// A route for each backend, of which each but the last has its part of what those before it leave.
void Compiler::addMatch(const RouteOnItsWay& route, const GatewayListener& listener, const std::string& host,
                        const CompiledRule& rule, const RequestMatch& match) {
  uint32_t left = 0;
  for (const WeightedBackend& each : rule.to) left += each.weight;
  for (const WeightedBackend& each : rule.to) {
    Route added{route.view.origin(), hostPattern(host), match.path, match.conditions, each.to};
    if (&each != &rule.to.back()) {
      added.conditions.part = each.weight;
      added.conditions.total = left;
    }
    left -= each.weight;
    if (added.to.redirect) finishRedirect(*added.to.redirect, listener.port, listener.hasTls());
    result_.model.ports.at(listener.port).routes.push_back(std::move(added));
  }
}

// What no route of a listener takes is nobody's, though a less close listener had a route for it.
void Compiler::closeHosts() {
  std::set<std::pair<uint16_t, std::string>> closed;
  for (const GatewayListener* listener : serving_) {
    if (listener->hostname.empty() || listener->protocol == Protocol::kTls) continue;
    if (!closed.emplace(listener->port, listener->hostname).second) continue;
    Route nothing{.origin = originOf(listener->gateway), .host = hostPattern(listener->hostname)};
    nothing.to.answer = Answer{.status = 404};
    result_.model.ports.at(listener->port).routes.push_back(std::move(nothing));
  }
}

// Likewise of the names that connections ask for, where listeners of a port treat TLS in different ways. Ingresses have
// names of their own at theirs.
void Compiler::closeNames() {
  std::set<uint16_t> ports;
  for (const GatewayListener* listener : serving_) {
    if (listener->protocol == Protocol::kTls) ports.insert(listener->port);
  }
  std::set<std::tuple<uint16_t, std::string, End>> closed;
  for (const GatewayListener* listener : serving_) {
    if (!ports.contains(listener->port)) continue;
    const End end = listener->protocol == Protocol::kTls ? End::kRefused : End::kRoutes;
    if (end == End::kRefused && place_.taken.contains(listener->port)) continue;
    if (!closed.emplace(listener->port, listener->hostname, end).second) continue;
    result_.model.ports.at(listener->port)
        .passthroughs.push_back({originOf(listener->gateway), hostPattern(listener->hostname), {}, end});
  }
}

// -- statuses --

void Compiler::addStatuses() {
  for (const auto& each : objects_.classes) {
    if (each.spec().controllerName() != kGatewayController) continue;
    addStatus(gateway_v1::GatewayClass::kResource(), each.object(), classStatus(each, now_));
  }
  for (const ServedGateway& each : gateways_) {
    addStatus(gateway_v1::Gateway::kResource(), each.gateway.object(),
              gatewayStatus(each.gateway, each.listeners, place_, now_));
  }
  for (const RouteOnItsWay& each : routes_) {
    addStatus(each.resource, each.view.object, routeStatus(each.view, each.verdicts, now_));
  }
  for (const TlsPolicy& each : policies_.all()) addPolicyStatus(each);
}

// A Gateway that leads to a target of the policy is an ancestor of it.
void Compiler::addPolicyStatus(const TlsPolicy& policy) {
  std::vector<AncestorVerdict> verdicts;
  for (const ServedGateway& each : gateways_) {
    const auto& services = services_[&each];
    if (!TlsPolicies::concerns(policy, services)) continue;
    verdicts.push_back({each.gateway.key(), policies_.refusalOf(policy, services), policy.unresolved});
  }
  addStatus(gateway_v1::BackendTLSPolicy::kResource(), policy.object.object(),
            policyStatus(policy.object, verdicts, now_));
}

void Compiler::addStatus(const meta::Resource& resource, const meta::ObjectPtr& object, json::Object status) {
  const json::Value* before = json::find(object->tree(), "status");
  const json::Value after(std::move(status));
  const bool same = before ? json::equal(*before, after) : after.get_object().empty();
  if (!same) result_.statuses.push_back({resource, object, after.get_object()});
}

}  // namespace

GatewayContribution compileGateways(const GatewayObjects& objects, const Sources& sources, const GatewayPlace& place,
                                    std::string_view now) {
  return Compiler(objects, sources, place, now).compile();
}

}  // namespace wherry::ingress
