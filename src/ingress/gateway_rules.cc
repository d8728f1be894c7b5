#include "ingress/gateway_rules.h"

#include <algorithm>
#include <tuple>

#include <fmt/format.h>

#include "base/strings.h"
#include "ingress/gateway_filters.h"
#include "ingress/gateway_names.h"
#include "meta/gateway_duration.h"

namespace wherry::ingress {
namespace {

const json::Array& listAt(const schema::View& view, std::string_view key) {
  static const json::Array kNone;
  const json::Value* list = view.field(key);
  return list && list->is_array() ? list->get_array() : kNone;
}

const json::Array& listAt(const json::Value& tree, std::string_view path) {
  static const json::Array kNone;
  const json::Value* list = json::find(tree, path);
  return list && list->is_array() ? list->get_array() : kNone;
}

// One rule on its way.
class RuleCompiler {
 public:
  explicit RuleCompiler(const ReferringRoute& route) : route_(route) {}

  // `rule`: an HTTPRouteRule, GRPCRouteRule or TLSRouteRule.
  void compile(const schema::View& rule) {
    rule_.to.protocol = defaultProtocol();
    rule_.to.refusedStatus = refusedStatus();
    note(applyFilters(listAt(rule, "filters"), route_, rule_.to));
    for (const json::Value& each : listAt(rule, "matches")) addMatch(each);
    if (rule_.matches.empty() && route_.kind != kTlsRoute) rule_.matches.push_back({});
    addBackends(listAt(rule, "backendRefs"));
    addTimeOuts(rule);
  }

  CompiledRule take() { return std::move(rule_); }
  const std::optional<std::string>& unsupported() const { return unsupported_; }
  const std::optional<Finding>& unresolved() const { return unresolved_; }

 private:
  Protocol defaultProtocol() const {
    if (route_.kind == kTlsRoute) return Protocol::kTcp;
    return route_.kind == kGrpcRoute ? Protocol::kHttp2 : Protocol::kHttp;
  }

  // A gRPC client takes 503 for UNAVAILABLE.
  int refusedStatus() const { return route_.kind == kGrpcRoute ? 503 : 500; }

  void note(const FilterOutcome& outcome) {
    if (outcome.unsupported) unsupported_ = outcome.unsupported;
    if (outcome.unresolved) unresolved_ = outcome.unresolved;
  }

  void addMatch(const json::Value& match) {
    auto compiled = route_.kind == kGrpcRoute ? compileMatch(gateway_v1::GRPCRouteMatch(&match))
                                              : compileMatch(gateway_v1::HTTPRouteMatch(&match));
    if (const auto* why = std::get_if<std::string>(&compiled)) {
      unsupported_ = *why;
    } else {
      rule_.matches.push_back(std::move(std::get<RequestMatch>(compiled)));
    }
  }

  // A backend that can't be had keeps its share of the requests: they are refused.
  void addBackends(const json::Array& references) {
    for (const json::Value& each : references) {
      const gateway_v1::HTTPBackendRef reference(&each);
      addFilters(reference, references.size());
      const auto weight = static_cast<uint32_t>(reference.weightOr(1));
      auto found = findBackend(reference, route_);
      if (const auto* why = std::get_if<Finding>(&found)) {
        unresolved_ = *why;
        rule_.to.refusedWeight += weight;
      } else if (std::get<BackendTarget>(found).isRefused) {
        rule_.to.refusedWeight += weight;
      } else {
        addShare(std::get<BackendTarget>(found), weight);
      }
    }
    refuseAlone();
  }

  void addShare(BackendTarget target, uint32_t weight) {
    if (!rule_.to.shares.empty() && (rule_.to.protocol != target.protocol || rule_.to.tls != target.tls)) {
      unsupported_ = "backendRefs: backends that are spoken to in different ways can't share requests";
    }
    // Of several Services all have to ask for it.
    if (rule_.to.shares.empty()) rule_.to.preserveClientIp = target.preserveClientIp;
    std::erase_if(rule_.to.preserveClientIp,
                  [&](base::IpFamily family) { return !target.preserveClientIp.contains(family); });
    rule_.to.protocol = target.protocol;
    rule_.to.tls = std::move(target.tls);
    rule_.to.shares.push_back({std::move(target.port), weight});
  }

  void addFilters(const gateway_v1::HTTPBackendRef& reference, size_t backends) {
    const json::Array& filters = listAt(reference, "filters");
    if (filters.empty()) return;
    if (backends > 1) {
      unsupported_ = "backendRefs: filters of one backend among several";
    } else {
      note(applyFilters(filters, route_, rule_.to));
    }
  }

  // Nobody is there to send anything to.
  void refuseAlone() {
    Backend& to = rule_.to;
    if (to.redirect || to.answer || route_.kind == kTlsRoute) return;
    const bool some = std::ranges::any_of(to.shares, [](const Share& share) { return share.weight > 0; });
    if (some) return;
    to.shares.clear();
    to.refusedWeight = 0;
    to.answer = Answer{.status = to.refusedStatus};
  }

  // 0 is for ever, as it is here.
  void addTimeOuts(const schema::View& rule) {
    const json::Value* timeouts = rule.field("timeouts");
    if (!timeouts) return;
    std::chrono::milliseconds shortest{};
    for (const char* name : {"request", "backendRequest"}) {
      const auto each = meta::parseGatewayDuration(json::getString(*timeouts, name));
      if (each && each->count() > 0 && (shortest.count() == 0 || *each < shortest)) shortest = *each;
    }
    rule_.to.timeOuts.request = shortest;
  }

  const ReferringRoute& route_;
  CompiledRule rule_;
  std::optional<std::string> unsupported_;
  std::optional<Finding> unresolved_;
};

}  // namespace

std::vector<std::string> RouteView::hostnames() const {
  std::vector<std::string> names;
  for (const json::Value& each : listAt(object->tree(), "spec.hostnames")) {
    if (each.is_string()) names.push_back(base::toLower(each.get_string()));
  }
  if (names.empty()) names.emplace_back();
  return names;
}

std::vector<gateway_v1::ParentReference> RouteView::parentRefs() const {
  std::vector<gateway_v1::ParentReference> references;
  for (const json::Value& each : listAt(object->tree(), "spec.parentRefs")) references.emplace_back(&each);
  return references;
}

bool comesFirst(const RouteView& a, const RouteView& b) {
  const auto left = a.metadata(), right = b.metadata();
  return std::tuple(left.creationTimestamp(), left.ns(), left.name()) <
         std::tuple(right.creationTimestamp(), right.ns(), right.name());
}

CompiledRules compileRules(const RouteView& route, const ReferenceGrants& grants, const TlsPolicies& policies,
                           const Sources& sources) {
  CompiledRules all;
  const ReferringRoute referring{route.kind, route.nameSpace(), grants, policies, sources, all.services};
  const json::Array& rules = listAt(route.object->tree(), "spec.rules");
  for (size_t i = 0; i < rules.size(); ++i) {
    RuleCompiler compiler(referring);
    compiler.compile(schema::View(&rules[i]));
    if (compiler.unresolved()) all.unresolved = compiler.unresolved();
    if (compiler.unsupported()) {
      all.dropped.push_back(fmt::format("rules[{}]: {}", i, *compiler.unsupported()));
    } else {
      all.rules.push_back(compiler.take());
    }
  }
  if (rules.empty() && route.kind == kGrpcRoute) {  // every call, to nobody
    RuleCompiler compiler(referring);
    compiler.compile(schema::View());
    all.rules.push_back(compiler.take());
  }
  return all;
}

}  // namespace wherry::ingress
