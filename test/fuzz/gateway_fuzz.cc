// libFuzzer: routes of the Gateway API. Whatever a user writes, the configuration has it as words of its own alone, and
// the conditions say what isn't in it. The input is texts with a NUL behind each: a host, a path's type and value, a
// header's name, type and value, a query parameter's name and value, a service and method of gRPC, and then filters: a
// type and three texts each. A filter of the type BackendTLSPolicy is such a policy: its hostname, a name of the
// certificate, and the authorities.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/strings.h"
#include "haproxy_words.h"
#include "ingress/annotation_values.h"
#include "ingress/gateway_routes.h"

namespace ingress = wherry::ingress;
namespace json = wherry::json;
namespace meta = wherry::meta;

namespace {

using Texts = std::vector<std::string_view>;

constexpr size_t kFixed = 10;
constexpr const char* kNow = "2026-01-01T00:00:00Z";

std::string_view hostOr(std::string_view text, std::string_view otherwise) {
  return ingress::isHostName(text) ? text : otherwise;  // others aren't admitted
}

json::Object pathChange(std::string_view with) {
  if (with.starts_with('/')) return {{"type", "ReplacePrefixMatch"}, {"replacePrefixMatch", with}};
  return {{"type", "ReplaceFullPath"}, {"replaceFullPath", with}};
}

json::Object filterOf(std::string_view type, std::string_view a, std::string_view b, std::string_view c) {
  const json::Array one{json::Object{{"name", a}, {"value", b}}};
  const json::Object headers{{"set", one}, {"add", one}, {"remove", json::Array{c}}};
  json::Object filter{{"type", type}};
  filter["requestHeaderModifier"] = headers;
  filter["responseHeaderModifier"] = headers;
  filter["requestRedirect"] = json::Object{{"hostname", hostOr(a, "")}, {"path", pathChange(b)}, {"statusCode", 302}};
  filter["urlRewrite"] = json::Object{{"hostname", hostOr(a, "")}, {"path", pathChange(b)}};
  filter["cors"] = json::Object{{"allowOrigins", json::Array{a}},
                                {"allowMethods", json::Array{b}},
                                {"allowHeaders", json::Array{c}},
                                {"exposeHeaders", json::Array{c}}};
  filter["requestMirror"] = json::Object{
      {"backendRef", json::Object{{"group", ""}, {"kind", "Service"}, {"name", "web"}, {"port", 80}}}, {"percent", 5}};
  filter["extensionRef"] = json::Object{{"group", "x"}, {"kind", a}, {"name", b}};
  return filter;
}

constexpr std::string_view kPolicy = "BackendTLSPolicy";

json::Array filtersOf(const Texts& texts) {
  json::Array filters;
  for (size_t i = kFixed; i + 3 < texts.size() && filters.size() < 8; i += 4) {
    if (texts[i] != kPolicy) filters.emplace_back(filterOf(texts[i], texts[i + 1], texts[i + 2], texts[i + 3]));
  }
  return filters;
}

meta::ObjectPtr objectOf(std::string_view kind, std::string_view name, json::Object spec) {
  return std::make_shared<const meta::Object>(json::Object{
      {"kind", kind},
      {"metadata", json::Object{{"name", name}, {"namespace", "n"}, {"generation", 1}, {"creationTimestamp", kNow}}},
      {"spec", std::move(spec)}});
}

meta::ObjectPtr routeOf(std::string_view kind, const Texts& texts, json::Object match) {
  const json::Object parent{{"group", "gateway.networking.k8s.io"}, {"kind", "Gateway"}, {"name", "g"}};
  const json::Object backend{{"group", ""}, {"kind", "Service"}, {"name", "web"}, {"port", 80}, {"weight", 1}};
  const json::Object rule{
      {"matches", json::Array{std::move(match)}}, {"filters", filtersOf(texts)}, {"backendRefs", json::Array{backend}}};
  return objectOf(kind, "r",
                  {{"parentRefs", json::Array{parent}},
                   {"hostnames", json::Array{hostOr(texts[0], "a.example.com")}},
                   {"rules", json::Array{rule}}});
}

meta::ObjectPtr tlsRouteOf(std::string_view host) {
  const json::Object parent{{"group", "gateway.networking.k8s.io"}, {"kind", "Gateway"}, {"name", "g"}};
  const json::Object backend{{"group", ""}, {"kind", "Service"}, {"name", "web"}, {"port", 80}, {"weight", 1}};
  return objectOf("TLSRoute", "r",
                  {{"parentRefs", json::Array{parent}},
                   {"hostnames", json::Array{hostOr(host, "a.example.com")}},
                   {"rules", json::Array{json::Object{{"backendRefs", json::Array{backend}}}}}});
}

meta::ObjectPtr policyOf(std::string_view hostname, std::string_view name) {
  const json::Object core{{"group", ""}, {"kind", "Service"}, {"name", "web"}};
  const json::Object authorities{{"group", ""}, {"kind", "ConfigMap"}, {"name", "ca"}};
  json::Object validation{{"hostname", hostOr(hostname, "a.example.com")}};
  if (!name.empty()) {
    validation["subjectAltNames"] =
        json::Array{json::Object{{"type", "Hostname"}, {"hostname", hostOr(name, "*.example.com")}}};
  }
  validation["caCertificateRefs"] = json::Array{authorities};
  return objectOf(kPolicy, "p", {{"targetRefs", json::Array{core}}, {"validation", std::move(validation)}});
}

// The policies among the filters; what the last of them has for authorities.
std::string addPolicies(const Texts& texts, ingress::GatewayObjects& objects) {
  std::string authorities;
  for (size_t i = kFixed; i + 3 < texts.size(); i += 4) {
    if (texts[i] != kPolicy) continue;
    objects.tlsPolicies.emplace_back(policyOf(texts[i + 1], texts[i + 2]));
    authorities = texts[i + 3];
  }
  return authorities;
}

ingress::GatewayObjects objectsOf(const Texts& texts) {
  ingress::GatewayObjects objects;
  objects.classes.emplace_back(
      objectOf("GatewayClass", "wherry", {{"controllerName", "wherry.dev/gateway-controller"}}));
  const json::Object listener{{"name", "http"},
                              {"port", 80},
                              {"protocol", "HTTP"},
                              {"allowedRoutes", json::Object{{"namespaces", json::Object{{"from", "Same"}}}}}};
  const json::Object through{{"name", "tls"},
                             {"port", 443},
                             {"protocol", "TLS"},
                             {"tls", json::Object{{"mode", "Passthrough"}}},
                             {"allowedRoutes", json::Object{{"namespaces", json::Object{{"from", "Same"}}}}}};
  objects.gateways.emplace_back(
      objectOf("Gateway", "g", {{"gatewayClassName", "wherry"}, {"listeners", json::Array{listener, through}}}));
  objects.tlsRoutes.emplace_back(tlsRouteOf(texts[0]));
  const json::Object header{{"name", texts[3]}, {"type", texts[4]}, {"value", texts[5]}};
  objects.httpRoutes.emplace_back(routeOf(
      "HTTPRoute", texts,
      {{"path", json::Object{{"type", texts[1]}, {"value", texts[2]}}},
       {"headers", json::Array{header}},
       {"queryParams", json::Array{json::Object{{"name", texts[6]}, {"type", texts[4]}, {"value", texts[7]}}}}}));
  objects.grpcRoutes.emplace_back(
      routeOf("GRPCRoute", texts,
              {{"method", json::Object{{"type", texts[1]}, {"service", texts[8]}, {"method", texts[9]}}},
               {"headers", json::Array{header}}}));
  return objects;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const Texts texts = wherry::base::split(bytes, '\0');
  if (texts.size() < kFixed) return 0;
  const auto service = objectOf("Service", "web", {{"ports", json::Array{json::Object{{"port", 80}}}}});
  auto objects = objectsOf(texts);
  const std::string authorities = addPolicies(texts, objects);
  const auto map = std::make_shared<const meta::Object>(json::Object{{"data", json::Object{{"ca.crt", authorities}}}});
  const ingress::Sources sources{[&](auto, auto) { return service; }, [](auto, auto) { return meta::ObjectPtr(); },
                                 [](auto, auto) { return meta::ObjectPtr(); },
                                 [&](auto, auto) -> meta::ObjectPtr { return map; }};
  const ingress::GatewayPlace place{{"192.0.2.1"}, {}, {}};
  const auto result = ingress::compileGateways(objects, sources, place, kNow);
  wherry::fuzz::demand(!result.statuses.empty());
  wherry::fuzz::checkConfiguration(result.model);
  wherry::fuzz::checkByHAProxy(result.model, bytes);
  return 0;
}
