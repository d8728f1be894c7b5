// For tests: a cluster's objects from the YAML a user would write, and what becomes of its Ingresses.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "ingress/ingress_routes.h"
#include "ingress/routing_test_support.h"
#include "json/yaml.h"

namespace wherry::ingress {

class IngressWorld {
 public:
  // With the class `wherry`, and in the namespace shop the Services web (80 http, 9000 grpc, 53 UDP dns) and new (80).
  IngressWorld() {
    has(R"(
kind: IngressClass
metadata: {name: wherry}
spec: {controller: wherry.dev/ingress-controller}
---
kind: Service
metadata: {name: web, namespace: shop}
spec:
  ipFamilies: [IPv4]
  ports:
  - {name: http, port: 80}
  - {name: rpc, port: 9000, appProtocol: kubernetes.io/h2c}
  - {name: dns, port: 53, protocol: UDP}
---
kind: Service
metadata: {name: new, namespace: shop}
spec: {ports: [{port: 80}]}
)");
  }

  void has(std::string_view yaml) {
    for (json::Value& tree : json::parseYamlStream(yaml)) {
      auto object = std::make_shared<const meta::Object>(std::move(tree));
      const std::string_view kind = object->kind();
      if (kind == "Ingress") objects_.ingresses.emplace_back(object);
      if (kind == "IngressClass") objects_.classes.emplace_back(object);
      others_[std::string(kind) + " " + object->key().text()] = object;
    }
  }

  Contribution compile() const {
    const auto lookup = [this](std::string kind) {
      return [this, kind](std::string_view ns, std::string_view name) {
        const auto at = others_.find(kind + " " + meta::ObjectKey{std::string(ns), std::string(name)}.text());
        return at == others_.end() ? nullptr : at->second;
      };
    };
    Sources sources{lookup("Service"), lookup("Secret"), lookup("Namespace")};
    if (!cache) return routeIngresses(objects_, sources);
    sources.certificate = [&](const auto& chain, const auto& key) { return cache->certificate(chain, key); };
    sources.authorities = [&](const auto& pem) { return cache->authorities(pem); };
    return routeIngresses(objects_, sources);
  }

  CertificateCache* cache = nullptr;

  std::string routes(uint16_t port = 80) const {
    const auto model = compile().model;
    const auto at = model.ports.find(port);
    return at == model.ports.end() ? "" : textOf(at->second.routes);
  }

  std::string complaints() const {
    std::string text;
    for (const Complaint& each : compile().complaints) text += textOf(each) + "\n";
    return text;
  }

 private:
  IngressObjects objects_;
  std::map<std::string, meta::ObjectPtr> others_;
};

// An Ingress of the namespace shop; `spec` without its class, `annotations` as YAML lines in braces.
inline std::string ingressYaml(std::string_view name, std::string_view spec, std::string_view annotations = "{}",
                               std::string_view created = "2026-01-01T00:00:00Z") {
  return fmt::format(
      "kind: Ingress\nmetadata: {{name: {}, namespace: shop, creationTimestamp: '{}', annotations: {}}}\n"
      "spec: {{ingressClassName: wherry, {}}}\n",
      name, created, annotations, spec);
}

// A rule with one path that leads to `service`, port 80.
inline std::string ruleYaml(std::string_view host, std::string_view path, std::string_view type = "Prefix",
                            std::string_view service = "web") {
  return fmt::format(
      "{{host: '{}', http: {{paths: [{{path: '{}', pathType: {}, backend: {{service: {{name: {}, port: {{number: "
      "80}}}}}}}}]}}}}",
      host, path, type, service);
}

}  // namespace wherry::ingress
