// For tests of the Gateway API: objects as the API server has them, and what is made of them as lines of text.
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "base/encoding.h"
#include "base/strings.h"
#include "ingress/gateway_names.h"
#include "ingress/gateway_routes.h"
#include "json/yaml.h"
#include "pki/certificate.h"
#include "schema/kind.h"
#include "schema/object_rules.h"

namespace wherry::ingress {

inline constexpr const char* kNow = "2026-01-02T00:00:00Z";

// What every test has: two classes, one of them ours, two namespaces and Services.
inline constexpr std::string_view kWorld = R"(
kind: GatewayClass
metadata: {name: wherry}
spec: {controllerName: wherry.dev/gateway-controller}
---
kind: GatewayClass
metadata: {name: theirs}
spec: {controllerName: example.com/gateways}
---
kind: Namespace
metadata: {name: default}
---
kind: Namespace
metadata: {name: other, labels: {team: blue}}
---
kind: Service
metadata: {name: web, namespace: default}
spec: {ports: [{name: http, port: 80}, {name: rpc, port: 90, appProtocol: kubernetes.io/h2c}, {name: tls, port: 443, appProtocol: https}]}
---
kind: Service
metadata: {name: web2, namespace: default}
spec: {ports: [{port: 80}]}
---
kind: Service
metadata: {name: far, namespace: other}
spec: {ports: [{port: 80}]}
---
kind: Service
metadata: {name: outside, namespace: default}
spec: {type: ExternalName, externalName: example.org, ports: [{port: 80}]}
)";

// Objects as the API server has them: with defaults, the later one in the text the younger.
struct World {
  GatewayObjects objects;
  std::map<std::string, meta::ObjectPtr> others;  // "Service default/web"
  GatewayPlace place{{"192.0.2.1", "192.0.2.2"}, {}, {}};
  int made = 0;

  explicit World(std::string_view manifests) {
    for (const std::string_view text : {kWorld, manifests}) {
      for (json::Value& tree : json::parseYamlStream(text)) add(std::move(tree));
    }
  }

  void add(json::Value tree) {
    const std::string kind(json::getString(tree, "kind"));
    const bool ours = kind != "Service" && kind != "Secret" && kind != "Namespace" && kind != "ConfigMap";
    json::Object& metadata = json::ensureObject(tree.as_object(), "metadata");
    if (kind != "GatewayClass" && kind != "Namespace" && !metadata.contains("namespace"))
      metadata["namespace"] = "default";
    metadata["creationTimestamp"] = fmt::format("2026-01-01T00:00:{:02}Z", made++);
    metadata["generation"] = 3;
    if (ours) {
      const auto found = schema::builtinRegistry()->findKind({std::string(kGatewayGroup), "v1", kind});
      schema::applyDefaults(*found->schema, tree);
    }
    const auto object = std::make_shared<meta::Object>(std::move(tree));
    if (kind == "GatewayClass") objects.classes.emplace_back(object);
    if (kind == "Gateway") objects.gateways.emplace_back(object);
    if (kind == "HTTPRoute") objects.httpRoutes.emplace_back(object);
    if (kind == "GRPCRoute") objects.grpcRoutes.emplace_back(object);
    if (kind == "TLSRoute") objects.tlsRoutes.emplace_back(object);
    if (kind == "ReferenceGrant") objects.grants.emplace_back(object);
    if (kind == "BackendTLSPolicy") objects.tlsPolicies.emplace_back(object);
    if (!ours) others[kind + " " + object->key().text()] = object;
  }

  meta::ObjectPtr find(std::string_view kind, std::string_view ns, std::string_view name) const {
    const auto at = others.find(fmt::format("{} {}", kind, meta::ObjectKey{std::string(ns), std::string(name)}.text()));
    return at == others.end() ? nullptr : at->second;
  }

  GatewayContribution compile(std::string_view now = kNow) const {
    const Sources sources{[&](auto ns, auto name) { return find("Service", ns, name); },
                          [&](auto ns, auto name) { return find("Secret", ns, name); },
                          [&](auto, auto name) { return find("Namespace", "", name); },
                          [&](auto ns, auto name) { return find("ConfigMap", ns, name); }};
    return compileGateways(objects, sources, place, now);
  }
};

// "TLS as a.example.com"
inline std::string tlsText(const BackendTls& tls) {
  std::string text = "TLS as " + tls.serverName;
  if (tls.systemAuthorities) text += " by the system's authorities";
  int authorities = 0;
  for (size_t at = 0; (at = tls.caPem.find("BEGIN", at)) != std::string::npos; ++at) ++authorities;
  return authorities == 0 ? text : text + fmt::format(" by {} authorities", authorities);
}

inline std::string backendText(const Backend& to) {
  std::vector<std::string> parts;
  if (to.redirect) {
    const Redirect& r = *to.redirect;
    parts.push_back(fmt::format("{} to {}://{}:{} {}{}", r.status, r.scheme, r.host, r.port,
                                static_cast<int>(r.path.kind), r.path.with));
  }
  if (to.answer) parts.push_back(fmt::format("answer {}", to.answer->status));
  for (const Share& share : to.shares) {
    parts.push_back(
        fmt::format("{}x {}/{}:{}", share.weight, share.target.nameSpace, share.target.service, share.target.port));
  }
  if (to.refusedWeight) {
    parts.push_back(fmt::format("{}x refused{}", to.refusedWeight, to.refusedStatus == 503 ? " with 503" : ""));
  }
  if (to.protocol == Protocol::kHttp2) parts.emplace_back("h2c");
  if (to.protocol == Protocol::kHttps2) parts.emplace_back("h2");
  if (to.tls) parts.push_back(tlsText(*to.tls));
  if (to.path.kind != PathChange::Kind::kNone) {
    parts.push_back(fmt::format("path {}{}", to.path.kind == PathChange::Kind::kFull ? "=" : "prefix=", to.path.with));
  }
  if (!to.host.empty()) parts.push_back("host " + to.host);
  for (const HeaderChange& each : to.headers) {
    constexpr const char* kHow[] = {"=", "+=", "-"};
    parts.push_back(fmt::format("{} {}{}{}", each.on == HeaderChange::On::kRequest ? "request" : "response", each.name,
                                kHow[static_cast<int>(each.how)], each.value));
  }
  if (to.cors) parts.push_back("cors " + base::join(to.cors->origins, ","));
  for (const Mirror& each : to.mirrors) {
    parts.push_back(fmt::format("copy of {}/{} to {}/{}:{}{}", each.part, each.total, each.target.nameSpace,
                                each.target.service, each.target.port,
                                each.protocol == Protocol::kHttp2 ? " by h2c" : ""));
    if (each.tls) parts.back() += " by " + tlsText(*each.tls);
  }
  if (to.timeOuts.request.count()) parts.push_back(fmt::format("within {} ms", to.timeOuts.request.count()));
  return base::join(parts, ", ");
}

inline std::string hostText(const HostPattern& host) {
  return host.name.empty() ? "any" : host.name + (host.anyDepth ? " deep" : "");
}

inline std::string matchText(const Route& route) {
  constexpr const char* kKinds[] = {"=", "", "start ", "~"};
  std::string text = kKinds[static_cast<int>(route.path.kind)] + route.path.text;
  if (!route.conditions.method.empty()) text += " " + route.conditions.method;
  for (const ValueMatch& each : route.conditions.values) {
    text += fmt::format(" {}{}{}{}", each.of == ValueMatch::Of::kQuery ? "?" : "", each.name,
                        each.how == ValueMatch::How::kRegex ? "~" : "=", each.value);
  }
  const Conditions& conditions = route.conditions;
  if (conditions.part < conditions.total) text += fmt::format(" {} of {}", conditions.part, conditions.total);
  return text;
}

// "80: any / -> 1x default/web:http"
inline std::string modelText(const Model& model) {
  std::string text;
  for (const auto& [number, port] : model.ports) {
    for (const Certificate& each : port.certificates) {
      std::vector<std::string> hosts;
      for (const HostPattern& host : each.hosts) hosts.push_back(hostText(host));
      text += fmt::format("{}: certificate {} for {}\n", number, each.name, base::join(hosts, ", "));
    }
    for (const Route& each : port.routes) {
      text += fmt::format("{}: {} {} -> {}\n", number, hostText(each.host), matchText(each), backendText(each.to));
    }
    for (const Passthrough& each : port.passthroughs) {
      constexpr const char* kEnds[] = {"through", "ended", "routes for", "refused"};
      const std::string to = backendText(each.to);
      text += fmt::format("{}: {} {}{}{}\n", number, kEnds[static_cast<int>(each.end)], hostText(each.host),
                          to.empty() ? "" : " -> ", to);
    }
    if (port.routes.empty() && port.passthroughs.empty()) text += fmt::format("{}: nothing\n", number);
  }
  return text;
}

inline std::string conditionsText(const json::Value& holder) {
  std::string text;
  for (const json::Value& each : json::find(holder, "conditions")->get_array()) {
    text += fmt::format(" {}={}({})", json::getString(each, "type"), json::getString(each, "status"),
                        json::getString(each, "reason"));
  }
  return text;
}

inline std::string kindsText(const json::Value& listener) {
  std::vector<std::string> kinds;
  for (const json::Value& each : json::find(listener, "supportedKinds")->get_array())
    kinds.emplace_back(json::getString(each, "kind"));
  return base::join(kinds, ",");
}

inline std::string statusText(const GatewayContribution& result, std::string_view kind) {
  std::string text;
  for (const StatusChange& each : result.statuses) {
    if (each.resource.kind != kind) continue;
    const json::Value status(each.status);
    const std::string name(each.object->metadata().name());
    bool isOfParents = false;
    for (const auto& [list, reference] : {std::pair("parents", "parentRef.name"), {"ancestors", "ancestorRef.name"}}) {
      const json::Value* parents = json::find(status, list);
      if (!parents) continue;
      isOfParents = true;
      for (const json::Value& parent : parents->get_array()) {
        text += fmt::format("{} at {}:{}\n", name, json::getString(parent, reference), conditionsText(parent));
      }
    }
    if (isOfParents) continue;
    text += name + ":" + conditionsText(status) + "\n";
    if (!json::find(status, "listeners")) continue;
    for (const json::Value& listener : json::find(status, "listeners")->get_array()) {
      text += fmt::format("{}/{} {} [{}]:{}\n", name, json::getString(listener, "name"),
                          json::getInt(listener, "attachedRoutes"), kindsText(listener), conditionsText(listener));
    }
  }
  return text;
}

inline std::string routesOf(std::string_view manifests) { return modelText(World(manifests).compile().model); }
inline std::string statusesOf(std::string_view kind, std::string_view manifests) {
  return statusText(World(manifests).compile(), kind);
}

// A Gateway of one listener for everything, and an HTTPRoute of it with these rules.
inline std::string withRules(std::string_view rules) {
  return fmt::format(R"(
kind: Gateway
metadata: {{name: g}}
spec: {{gatewayClassName: wherry, listeners: [{{name: http, port: 80, protocol: HTTP}}]}}
---
kind: HTTPRoute
metadata: {{name: r}}
spec:
  parentRefs: [{{name: g}}]
  rules:
{})",
                     rules);
}

inline constexpr std::string_view kHostListeners = R"(
kind: Gateway
metadata: {name: g}
spec:
  gatewayClassName: wherry
  listeners:
    - {name: every, port: 80, protocol: HTTP}
    - {name: wild, port: 80, protocol: HTTP, hostname: "*.example.com"}
    - {name: one, port: 80, protocol: HTTP, hostname: a.example.com}
---
)";

// -- certificates --

inline std::string authorityPem() {
  const base::WallTime now = base::WallTime() + std::chrono::hours(24 * 365 * 56);
  return pki::newAuthority("ca", std::chrono::hours(24 * 365), now).certificatePem;
}

inline std::string secret(const std::string& name, const std::vector<std::string>& hosts) {
  const base::WallTime now = base::WallTime() + std::chrono::hours(24 * 365 * 56);
  const auto authority = pki::newAuthority("ca", std::chrono::hours(24 * 365), now);
  const auto pair = pki::issueCertificate(authority, {.commonName = "c", .organizations = {}, .names = hosts}, now);
  return fmt::format(
      "---\nkind: Secret\nmetadata: {{name: {}}}\ntype: kubernetes.io/tls\ndata: {{tls.crt: {}, tls.key: {}}}\n", name,
      base::encodeBase64(pair.certificatePem), base::encodeBase64(pair.keyPem));
}

inline std::string withTls(std::string_view references) {
  return fmt::format(R"(
kind: Gateway
metadata: {{name: g}}
spec:
  gatewayClassName: wherry
  listeners: [{{name: https, port: 443, protocol: HTTPS, hostname: "*.example.com", tls: {{certificateRefs: [{}]}}}}]
---
kind: HTTPRoute
metadata: {{name: r}}
spec: {{parentRefs: [{{name: g}}], rules: [{{filters: [{{type: RequestRedirect, requestRedirect: {{hostname: a.example.com}}}}]}}]}}
)",
                     references);
}

}  // namespace wherry::ingress
