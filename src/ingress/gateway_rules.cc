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

// The same but for who gets the requests.
bool isTreatedAlike(const Backend& a, const Backend& b) {
  auto bare = [](Backend backend) {
    backend.shares.clear();
    backend.refusedWeight = 0;
    backend.preserveClientIp.clear();
    return backend;
  };
  return bare(a) == bare(b);
}

// One rule on its way.
class RuleCompiler {
 public:
  explicit RuleCompiler(const ReferringRoute& route) : route_(route) {}

  // `rule`: an HTTPRouteRule, GRPCRouteRule or TLSRouteRule.
  void compile(const schema::View& rule) {
    rule_.protocol = defaultProtocol();
    rule_.refusedStatus = refusedStatus();
    note(applyFilters(listAt(rule, "filters"), route_, rule_));
    addTimeOuts(rule);
    for (const json::Value& each : listAt(rule, "matches")) addMatch(each);
    if (matches_.empty() && route_.kind != kTlsRoute) matches_.push_back({});
    for (const json::Value& each : listAt(rule, "backendRefs")) addBackend(gateway_v1::HTTPBackendRef(&each));
    finishBackends();
  }

  CompiledRule take() { return {std::move(matches_), std::move(backends_)}; }
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
      matches_.push_back(std::move(std::get<RequestMatch>(compiled)));
    }
  }

  // A backend that can't be had keeps its share of the requests: they are refused.
  void addBackend(const gateway_v1::HTTPBackendRef& reference) {
    Backend to = rule_;
    note(applyFilters(listAt(reference, "filters"), route_, to));
    const auto weight = static_cast<uint32_t>(reference.weightOr(1));
    auto found = findBackend(reference, route_);
    auto* target = std::get_if<BackendTarget>(&found);
    if (!target) unresolved_ = std::get<Finding>(found);
    const bool isAnswered = to.redirect || to.answer;
    if (isAnswered) {
      addShare(std::move(to), weight);
    } else if (!target || target->isRefused) {
      refused_ += weight;
    } else {
      to.protocol = target->protocol;
      to.tls = std::move(target->tls);
      to.preserveClientIp = std::move(target->preserveClientIp);
      to.shares = {{std::move(target->port), weight}};
      addShare(std::move(to), weight);
    }
  }

  void addShare(Backend to, uint32_t weight) {
    auto alike =
        std::ranges::find_if(backends_, [&](const WeightedBackend& each) { return isTreatedAlike(each.to, to); });
    if (alike == backends_.end()) {
      backends_.push_back({std::move(to), weight});
      return;
    }
    alike->weight += weight;
    // Of several Services all have to ask for it.
    std::erase_if(alike->to.preserveClientIp,
                  [&](base::IpFamily family) { return !to.preserveClientIp.contains(family); });
    std::ranges::move(to.shares, std::back_inserter(alike->to.shares));
  }

  void finishBackends() {
    std::erase_if(backends_, [](const WeightedBackend& each) { return each.weight == 0; });
    if (route_.kind == kTlsRoute && backends_.size() > 1) {
      unsupported_ = "backendRefs: backends that are spoken to in different ways can't share connections";
    }
    if (backends_.empty()) return refuseAll();
    if (refused_ > 0) refuseShare();
  }

  void refuseShare() {
    auto sends = std::ranges::find_if(backends_, [](const auto& each) { return !each.to.shares.empty(); });
    if (sends == backends_.end()) {
      backends_.push_back({rule_, refused_});
      backends_.back().to.answer = Answer{.status = rule_.refusedStatus};
      return;
    }
    sends->weight += refused_;
    sends->to.refusedWeight = refused_;
  }

  // Nobody is there to send anything to.
  void refuseAll() {
    backends_.push_back({rule_, 1});
    Backend& to = backends_.front().to;
    if (route_.kind == kTlsRoute) {
      to.refusedWeight = refused_;
    } else if (!to.redirect && !to.answer) {
      to.answer = Answer{.status = to.refusedStatus};
    }
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
    rule_.timeOuts.request = shortest;
  }

  const ReferringRoute& route_;
  Backend rule_;  // what holds for all of its backends
  std::vector<RequestMatch> matches_;
  std::vector<WeightedBackend> backends_;
  uint32_t refused_ = 0;  // the weight of those that can't be had
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
