// HTTPRoutes, GRPCRoutes and TLSRoutes: in what parents, rules and matches must agree. The standard writes these rules
// in CEL.
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "apiserver/admission/addresses.h"
#include "apiserver/admission/fields.h"
#include "apiserver/admission/gateway_filters.h"
#include "apiserver/admission/hooks.h"
#include "meta/gateway_duration.h"
#include "schema/patterns.h"

namespace wherry::apiserver {
namespace {

using json::getString;
using schema::matchesPattern;

constexpr size_t kMaxMatches = 128;  // of all rules of a route

bool sameParent(const json::Value& a, const json::Value& b) {
  return std::ranges::all_of(std::array{"group", "kind", "namespace", "name"},
                             [&](const char* field) { return getString(a, field) == getString(b, field); });
}

// `agree` of every two references to the same parent.
bool everyTwo(const json::Array& parents, bool (*agree)(const json::Value&, const json::Value&)) {
  for (size_t i = 0; i < parents.size(); ++i) {
    for (size_t k = i + 1; k < parents.size(); ++k) {
      if (sameParent(parents[i], parents[k]) && !agree(parents[i], parents[k])) return false;
    }
  }
  return true;
}

void checkParents(const json::Value& route, meta::FieldErrors& errors) {
  const std::string path = "spec.parentRefs";
  const json::Array& parents = arrayAt(route, path);
  auto bothNamed = [](const json::Value& a, const json::Value& b) {
    return getString(a, "sectionName").empty() == getString(b, "sectionName").empty();
  };
  auto differ = [](const json::Value& a, const json::Value& b) {
    return getString(a, "sectionName") != getString(b, "sectionName");
  };
  demand(everyTwo(parents, bothNamed), path, "array",
         "sectionName must be specified when parentRefs includes 2 or more references to the same parent", errors);
  demand(everyTwo(parents, differ), path, "array",
         "sectionName must be unique when parentRefs includes 2 or more references to the same parent", errors);
}

bool namedOnce(const json::Array& rules) {
  return std::ranges::all_of(rules, [&](const json::Value& rule) {
    const std::string_view name = getString(rule, "name");
    auto same = [&](const json::Value& other) { return getString(other, "name") == name; };
    return name.empty() || std::ranges::count_if(rules, same) == 1;
  });
}

void checkRules(const json::Array& rules, meta::FieldErrors& errors) {
  size_t matches = 0;
  for (const json::Value& rule : rules) matches += arrayAt(rule, "matches").size();
  demand(namedOnce(rules), "spec.rules", "array", "Rule name must be unique within the route", errors);
  demand(matches <= kMaxMatches, "spec.rules", "array",
         "While 16 rules and 64 matches per rule are allowed, the total number of matches across all rules in a route "
         "must be less than 128",
         errors);
}

// -- HTTP --

void checkPath(const json::Value* match, const std::string& at, meta::FieldErrors& errors) {
  if (!match || getString(*match, "type") == "RegularExpression") return;
  const std::string_view value = getString(*match, "value");
  constexpr std::string_view kKinds = "one of ['Exact', 'PathPrefix']";
  demand(value.starts_with('/'), at, "object",
         fmt::format("value must be an absolute path and start with '/' when type {}", kKinds), errors);
  for (const std::string_view part : {"//", "/./", "/../", "%2f", "%2F", "#"}) {
    demand(value.find(part) == std::string_view::npos, at, "object",
           fmt::format("must not contain '{}' when type {}", part, kKinds), errors);
  }
  for (const std::string_view end : {"/..", "/."}) {
    demand(!value.ends_with(end), at, "object", fmt::format("must not end with '{}' when type {}", end, kKinds),
           errors);
  }
  constexpr std::string_view kValid = "^(?:[-A-Za-z0-9/._~!$&'()*+,;=:@]|[%][0-9a-fA-F]{2})+$";
  demand(matchesPattern(std::string(kValid), value), at, "object",
         fmt::format("must only contain valid characters (matching {}) for types ['Exact', 'PathPrefix']", kValid),
         errors);
}

bool replacesPrefix(const json::Array& filters, std::string_view field) {
  return std::ranges::any_of(filters, [&](const json::Value& filter) {
    return getString(filter, fmt::format("{}.path.type", field)) == "ReplacePrefixMatch";
  });
}

// A prefix can be replaced where there is one.
void checkPrefixes(const json::Value& rule, const std::string& at, meta::FieldErrors& errors) {
  const json::Array& matches = arrayAt(rule, "matches");
  if (matches.size() == 1 && getString(matches[0], "path.type") == "PathPrefix") return;
  const json::Array& backends = arrayAt(rule, "backendRefs");
  constexpr std::array<std::pair<std::string_view, std::string_view>, 2> kFilters = {
      {{"requestRedirect", "RequestRedirect"}, {"urlRewrite", "URLRewrite"}}};
  for (const auto& [field, type] : kFilters) {
    const std::string why = fmt::format(
        "hen using {} filter with path.replacePrefixMatch, exactly one PathPrefix match must be specified", type);
    demand(!replacesPrefix(arrayAt(rule, "filters"), field), at, "object", "W" + why, errors);
    const bool inside = std::ranges::any_of(backends, [&, &field = field](const json::Value& each) {
      return replacesPrefix(arrayAt(each, "filters"), field);
    });
    demand(!inside, at, "object", fmt::format("Within backendRefs, {}{}", type == "RequestRedirect" ? "w" : "W", why),
           errors);
  }
}

void checkTimeouts(const json::Value& rule, const std::string& at, meta::FieldErrors& errors) {
  const auto request = meta::parseGatewayDuration(getString(rule, "timeouts.request"));
  const auto backend = meta::parseGatewayDuration(getString(rule, "timeouts.backendRequest"));
  const bool longer = request && backend && request->count() != 0 && *backend > *request;
  demand(!longer, at + ".timeouts", "object", "backendRequest timeout cannot be longer than request timeout", errors);
}

void checkBackends(const json::Value& rule, const std::string& at, meta::FieldErrors& errors) {
  forEachItem(arrayAt(rule, "backendRefs"), at + ".backendRefs",
              [&](const json::Value& each, const std::string& place) {
                checkBackendPort(each, place, errors);
                checkFilters(arrayAt(each, "filters"), place + ".filters", errors);
              });
}

void checkHttpRule(const json::Value& rule, const std::string& at, meta::FieldErrors& errors) {
  const json::Array& filters = arrayAt(rule, "filters");
  const bool redirects = std::ranges::any_of(
      filters, [](const json::Value& each) { return json::find(each, "requestRedirect") != nullptr; });
  demand(!redirects || arrayAt(rule, "backendRefs").empty(), at, "object",
         "RequestRedirect filter must not be used together with backendRefs", errors);
  checkPrefixes(rule, at, errors);
  checkFilters(filters, at + ".filters", errors);
  checkBackends(rule, at, errors);
  checkTimeouts(rule, at, errors);
  forEachItem(arrayAt(rule, "matches"), at + ".matches", [&](const json::Value& match, const std::string& place) {
    checkPath(json::find(match, "path"), place + ".path", errors);
  });
}

// -- gRPC --

void checkGrpcMethod(const json::Value* method, const std::string& at, meta::FieldErrors& errors) {
  if (!method) return;
  const json::Value *service = json::find(*method, "service"), *name = json::find(*method, "method");
  demand(service || name, at, "object", "One or both of 'service' or 'method' must be specified", errors);
  if (getString(*method, "type") == "RegularExpression") return;
  constexpr const char *kService = R"(^(?i)\.?[a-z_][a-z_0-9]*(\.[a-z_][a-z_0-9]*)*$)",
                       *kMethod = "^[A-Za-z_][A-Za-z_0-9]*$";
  demand(!service || matchesPattern(kService, textOf(*service)), at, "object",
         fmt::format("service must only contain valid characters (matching {})", kService), errors);
  demand(!name || matchesPattern(kMethod, textOf(*name)), at, "object",
         fmt::format("method must only contain valid characters (matching {})", kMethod), errors);
}

void checkGrpcRule(const json::Value& rule, const std::string& at, meta::FieldErrors& errors) {
  checkFilters(arrayAt(rule, "filters"), at + ".filters", errors);
  checkBackends(rule, at, errors);
  forEachItem(arrayAt(rule, "matches"), at + ".matches", [&](const json::Value& match, const std::string& place) {
    checkGrpcMethod(json::find(match, "method"), place + ".method", errors);
  });
}

using CheckRule = void (*)(const json::Value& rule, const std::string& at, meta::FieldErrors& errors);

void validateRoute(const AdmissionRequest& request, CheckRule checkRule, meta::FieldErrors& errors) {
  if (!writesMain(request)) return;
  const json::Array& rules = arrayAt(request.object, "spec.rules");
  checkParents(request.object, errors);
  checkRules(rules, errors);
  forEachItem(rules, "spec.rules",
              [&](const json::Value& rule, const std::string& at) { checkRule(rule, at, errors); });
}

}  // namespace

void validateHttpRoute(const AdmissionRequest& request, meta::FieldErrors& errors) {
  validateRoute(request, checkHttpRule, errors);
}

void validateGrpcRoute(const AdmissionRequest& request, meta::FieldErrors& errors) {
  validateRoute(request, checkGrpcRule, errors);
}

void validateTlsRoute(const AdmissionRequest& request, meta::FieldErrors& errors) {
  if (!writesMain(request)) return;
  const json::Array& hostnames = arrayAt(request.object, "spec.hostnames");
  const bool addressed =
      std::ranges::any_of(hostnames, [](const json::Value& each) { return familyOf(textOf(each)).has_value(); });
  demand(!addressed, "spec.hostnames", "array", "Hostnames cannot contain an IP", errors);
  validateRoute(request, checkBackends, errors);
}

}  // namespace wherry::apiserver
