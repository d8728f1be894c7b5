// The kinds of the Gateway API: built in, and for clients as if they had come with their definitions.
#include <gtest/gtest.h>

#include "apiserver/api_script.h"
#include "json/value.h"

namespace wherry::apiserver {
namespace {

TEST(GatewayKinds, GetTheStandardsDefaults) {
  ApiWorld().run(R"(
POST /apis/gateway.networking.k8s.io/v1/gatewayclasses
  apiVersion: gateway.networking.k8s.io/v1
  kind: GatewayClass
  metadata: {name: ours}
  spec: {controllerName: example.com/gateways}
=> 201
  metadata: {generation: 1}
  status: {conditions: [{type: Accepted, status: Unknown, reason: Waiting, message: Waiting for controller}]}
POST /apis/gateway.networking.k8s.io/v1/namespaces/default/gateways
  apiVersion: gateway.networking.k8s.io/v1
  kind: Gateway
  metadata: {name: g}
  spec:
    gatewayClassName: ours
    listeners:
      - {name: http, port: 80, protocol: HTTP}
      - {name: https, port: 443, protocol: HTTPS, tls: {certificateRefs: [{name: c}]}}
  status: {addresses: [{value: 10.0.0.1}]}
=> 201
  spec:
    listeners:
      - {name: http, allowedRoutes: {namespaces: {from: Same}}}
      - {tls: {mode: Terminate, certificateRefs: [{group: "", kind: Secret, name: c}]}}
  status:
    addresses: null
    conditions: [{type: Accepted, status: Unknown, reason: Pending}, {type: Programmed, reason: Pending}]
POST /apis/gateway.networking.k8s.io/v1beta1/namespaces/default/httproutes
  apiVersion: gateway.networking.k8s.io/v1beta1
  kind: HTTPRoute
  metadata: {name: r}
  spec:
    parentRefs: [{name: g}, {group: "", kind: Service, name: g}]
    rules:
      - backendRefs: [{name: web, port: 80}]
        filters: [{type: URLRewrite, urlRewrite: {path: {type: ReplacePrefixMatch, replacePrefixMatch: ""}}}]
=> 201
GET /apis/gateway.networking.k8s.io/v1/namespaces/default/httproutes/r
=> 200
  apiVersion: gateway.networking.k8s.io/v1
  spec:
    parentRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: g}, {group: "", kind: Service}]
    rules:
      - matches: [{path: {type: PathPrefix, value: /}}]
        backendRefs: [{group: "", kind: Service, name: web, port: 80, weight: 1}]
        filters: [{urlRewrite: {path: {replacePrefixMatch: ""}}}]
POST /apis/gateway.networking.k8s.io/v1alpha2/namespaces/default/tlsroutes
  apiVersion: gateway.networking.k8s.io/v1alpha2
  kind: TLSRoute
  metadata: {name: t}
  spec: {hostnames: [a.example.com], rules: [{backendRefs: [{name: web, port: 443}]}]}
=> 201
GET /apis/gateway.networking.k8s.io/v1/namespaces/default/tlsroutes
=> 200
  kind: TLSRouteList
  items: [{apiVersion: gateway.networking.k8s.io/v1, kind: TLSRoute}]
)");
}

TEST(GatewayKinds, AreRefusedInTheStandardsWords) {
  ApiWorld().run(R"(
POST /apis/gateway.networking.k8s.io/v1/namespaces/default/gateways
  apiVersion: gateway.networking.k8s.io/v1
  kind: Gateway
  metadata: {name: g}
  spec:
    gatewayClassName: ours
    listeners:
      - {name: a, port: 80, protocol: http, tls: {certificateRefs: [{name: c}]}}
      - {name: b, port: 443, protocol: HTTPS, tls: {mode: Passthrough}}
      - {name: c, port: 9000, protocol: TLS}
      - {name: d, port: 9001, protocol: TCP, hostname: a.example.com}
      - {name: e, port: 90, protocol: HTTP}
      - {name: f, port: 90, protocol: HTTP}
      - {name: g, port: 444, protocol: HTTPS, tls: {mode: Terminate}}
    addresses: [{value: 10.0.0.1}, {value: 10.0.0.1}, {type: Hostname, value: a_b}]
=> 422
  details:
    causes:
      - {field: spec.listeners, message: "Invalid value: \"array\": tls must not be specified for protocols ['HTTP', 'TCP', 'UDP']"}
      - {field: spec.listeners, message: "Invalid value: \"array\": tls mode must be Terminate for protocol HTTPS"}
      - {field: spec.listeners, message: "Invalid value: \"array\": tls mode must be set for protocol TLS"}
      - {field: spec.listeners, message: "Invalid value: \"array\": hostname must not be specified for protocols ['TCP', 'UDP']"}
      - {field: spec.listeners, message: "Invalid value: \"array\": Combination of port, protocol and hostname must be unique for each listener"}
      - {field: "spec.listeners[6].tls", message: "Invalid value: \"object\": certificateRefs or options must be specified when mode is Terminate"}
      - {field: spec.addresses, message: "Invalid value: \"array\": IPAddress values must be unique"}
      - {field: "spec.addresses[2]"}
POST /apis/gateway.networking.k8s.io/v1/namespaces/default/gateways
  apiVersion: gateway.networking.k8s.io/v1
  kind: Gateway
  metadata: {name: g}
  spec:
    gatewayClassName: ours
    listeners: [{name: a, port: 0, protocol: HTTP, hostname: A.example}, {name: a, port: 81, protocol: HTTP}]
    addresses: [{value: ten}]
=> 422
POST /apis/gateway.networking.k8s.io/v1/namespaces/default/httproutes
  apiVersion: gateway.networking.k8s.io/v1
  kind: HTTPRoute
  metadata: {name: r}
  spec:
    parentRefs: [{name: g}, {name: g, sectionName: a}, {name: h, sectionName: a}, {name: h, sectionName: a}]
    rules:
      - name: same
        matches: [{path: {value: x//y}}, {path: {type: Exact, value: "/a b"}}]
        backendRefs: [{name: web}]
        filters:
          - {type: RequestRedirect, requestRedirect: {path: {type: ReplacePrefixMatch, replacePrefixMatch: /}}}
          - {type: URLRewrite}
          - {type: RequestRedirect, requestRedirect: {path: {type: ReplaceFullPath}}}
        timeouts: {request: 1s, backendRequest: 1s1ms}
      - name: same
        filters:
          - type: RequestMirror
            requestMirror: {backendRef: {name: m}, percent: 1, fraction: {numerator: 5, denominator: 4}}
          - {type: CORS, cors: {allowOrigins: ["*", "https://a.example.com"]}}
=> 422
  details:
    causes:
      - {field: spec.parentRefs, message: "Invalid value: \"array\": sectionName must be specified when parentRefs includes 2 or more references to the same parent"}
      - {field: spec.parentRefs, message: "Invalid value: \"array\": sectionName must be unique when parentRefs includes 2 or more references to the same parent"}
      - {field: spec.rules, message: "Invalid value: \"array\": Rule name must be unique within the route"}
      - {field: "spec.rules[0]", message: "Invalid value: \"object\": RequestRedirect filter must not be used together with backendRefs"}
      - {field: "spec.rules[0]", message: "Invalid value: \"object\": When using RequestRedirect filter with path.replacePrefixMatch, exactly one PathPrefix match must be specified"}
      - {field: "spec.rules[0].filters", message: "Invalid value: \"array\": May specify either httpRouteFilterRequestRedirect or httpRouteFilterRequestRewrite, but not both"}
      - {field: "spec.rules[0].filters", message: "Invalid value: \"array\": RequestRedirect filter cannot be repeated"}
      - {field: "spec.rules[0].filters[1]", message: "Invalid value: \"object\": filter.urlRewrite must be specified for URLRewrite filter.type"}
      - {field: "spec.rules[0].filters[2].requestRedirect.path", message: "Invalid value: \"object\": replaceFullPath must be specified when type is set to 'ReplaceFullPath'"}
      - {field: "spec.rules[0].backendRefs[0]", message: "Invalid value: \"object\": Must have port for Service reference"}
      - {field: "spec.rules[0].timeouts", message: "Invalid value: \"object\": backendRequest timeout cannot be longer than request timeout"}
      - {field: "spec.rules[0].matches[0].path", message: "Invalid value: \"object\": value must be an absolute path and start with '/' when type one of ['Exact', 'PathPrefix']"}
      - {field: "spec.rules[0].matches[0].path", message: "Invalid value: \"object\": must not contain '//' when type one of ['Exact', 'PathPrefix']"}
      - {field: "spec.rules[0].matches[1].path"}
      - {field: "spec.rules[1].filters[0].requestMirror", message: "Invalid value: \"object\": Only one of percent or fraction may be specified in HTTPRequestMirrorFilter"}
      - {field: "spec.rules[1].filters[0].requestMirror.fraction", message: "Invalid value: \"object\": numerator must be less than or equal to denominator"}
      - {field: "spec.rules[1].filters[0].requestMirror.backendRef", message: "Invalid value: \"object\": Must have port for Service reference"}
      - {field: "spec.rules[1].filters[1].cors.allowOrigins", message: "Invalid value: \"array\": AllowOrigins cannot contain '*' alongside other origins"}
POST /apis/gateway.networking.k8s.io/v1/namespaces/default/grpcroutes
  apiVersion: gateway.networking.k8s.io/v1
  kind: GRPCRoute
  metadata: {name: r}
  spec:
    rules: [{matches: [{method: {service: a/b}}, {method: {}}, {method: {type: RegularExpression, method: "[a-z]/"}}]}]
=> 422
  details:
    causes:
      - {field: "spec.rules[0].matches[0].method"}
      - {field: "spec.rules[0].matches[1].method", message: "Invalid value: \"object\": One or both of 'service' or 'method' must be specified"}
POST /apis/gateway.networking.k8s.io/v1/namespaces/default/tlsroutes
  apiVersion: gateway.networking.k8s.io/v1
  kind: TLSRoute
  metadata: {name: r}
  spec: {hostnames: [10.0.0.1], rules: [{backendRefs: [{name: web, port: 1}]}]}
=> 422
  details: {causes: [{field: spec.hostnames, message: "Invalid value: \"array\": Hostnames cannot contain an IP"}]}
)");
}

TEST(GatewayKinds, RefuseWhatABackendTlsPolicyCannotMean) {
  ApiWorld().run(R"(
POST /apis/gateway.networking.k8s.io/v1/namespaces/default/backendtlspolicies
  apiVersion: gateway.networking.k8s.io/v1
  kind: BackendTLSPolicy
  metadata: {name: p}
  spec:
    targetRefs: [{group: "", kind: Service, name: web}]
    validation: {hostname: web.example.com, wellKnownCACertificates: System}
=> 201
  spec: {targetRefs: [{group: "", kind: Service, name: web}], options: null}
PATCH:merge /apis/gateway.networking.k8s.io/v1/namespaces/default/backendtlspolicies/p/status
  spec: {validation: {hostname: other.example.com}}
  status:
    ancestors:
      - ancestorRef: {name: g}
        controllerName: example.com/gateways
        conditions: [{type: Accepted, status: "True", reason: Accepted, message: "", lastTransitionTime: "2026-01-01T00:00:00Z"}]
=> 200
  spec: {validation: {hostname: web.example.com}}
  status: {ancestors: [{ancestorRef: {group: gateway.networking.k8s.io, kind: Gateway, name: g}}]}
POST /apis/gateway.networking.k8s.io/v1/namespaces/default/backendtlspolicies
  apiVersion: gateway.networking.k8s.io/v1
  kind: BackendTLSPolicy
  metadata: {name: q}
  spec:
    targetRefs: [{group: "", kind: Service, name: web}]
    validation:
      hostname: "*.example.com"
      wellKnownCACertificates: System
      subjectAltNames: [{type: URI, uri: "spiffe://a/b"}, {type: Email}]
=> 422
  details:
    causes:
      - {field: spec.validation.hostname}
      - {field: "spec.validation.subjectAltNames[1].type"}
POST /apis/gateway.networking.k8s.io/v1/namespaces/default/backendtlspolicies
  apiVersion: gateway.networking.k8s.io/v1
  kind: BackendTLSPolicy
  metadata: {name: q}
  spec:
    targetRefs:
      - {group: "", kind: Service, name: web}
      - {group: "", kind: Service, name: web, sectionName: a}
      - {group: "", kind: Service, name: web, sectionName: a}
    validation:
      hostname: a.example.com
      caCertificateRefs: [{group: "", kind: ConfigMap, name: ca}]
      wellKnownCACertificates: System
      subjectAltNames: [{type: Hostname, uri: "spiffe://a/b"}, {type: URI, uri: "spiffe://a/b"}]
=> 422
  details:
    causes:
      - {field: spec.targetRefs, message: "Invalid value: \"array\": sectionName must be specified when targetRefs includes 2 or more references to the same target"}
      - {field: spec.targetRefs, message: "Invalid value: \"array\": sectionName must be unique when targetRefs includes 2 or more references to the same target"}
      - {field: spec.validation, message: "Invalid value: \"object\": must not contain both CACertificateRefs and WellKnownCACertificates"}
      - {field: "spec.validation.subjectAltNames[0]", message: "Invalid value: \"object\": SubjectAltName element must contain Hostname, if Type is set to Hostname"}
      - {field: "spec.validation.subjectAltNames[0]", message: "Invalid value: \"object\": SubjectAltName element must not contain URI, if Type is not set to URI"}
POST /apis/gateway.networking.k8s.io/v1/namespaces/default/backendtlspolicies
  apiVersion: gateway.networking.k8s.io/v1
  kind: BackendTLSPolicy
  metadata: {name: q}
  spec: {targetRefs: [{group: "", kind: Service, name: web}], validation: {hostname: a.example.com}}
=> 422
  details:
    causes:
      - {field: spec.validation, message: "Invalid value: \"object\": must specify either CACertificateRefs or WellKnownCACertificates"}
)");
}

constexpr std::string_view kUpstream = R"(
POST /apis/apiextensions.k8s.io/v1/customresourcedefinitions
  metadata:
    name: NAME.gateway.networking.k8s.io
    annotations: {gateway.networking.k8s.io/bundle-version: v1.4.0}
  spec:
    group: gateway.networking.k8s.io
    scope: Namespaced
    names: {plural: NAME, singular: SINGULAR, kind: KIND, listKind: KINDList}
    versions:
      - {name: v1, served: true, storage: true, subresources: {status: {}}, schema: {openAPIV3Schema: {type: object,
           properties: {spec: {type: object, x-kubernetes-preserve-unknown-fields: true}}}}}
      - {name: v1alpha2, served: true, storage: false, schema: {openAPIV3Schema: {type: object}}}
=> 201
)";

std::string definition(std::string_view plural, std::string_view singular, std::string_view kind) {
  std::string text(kUpstream);
  auto replace = [&](std::string_view what, std::string_view with) {
    for (size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += with.size()) {
      text.replace(at, what.size(), with);
    }
  };
  replace("NAME", plural);
  replace("SINGULAR", singular);
  replace("KIND", kind);
  return text;
}

TEST(GatewayKinds, StayWhenTheirDefinitionsAreAppliedAndDeleted) {
  ApiWorld world;
  auto watch = world.api().client().watch(
      {"apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition", meta::Scope::kCluster},
      "", {});
  auto until = [&](auto&& done) {
    while (!done(watch->next({}).value())) {
    }
  };
  auto established = [](const client::WatchEvent& event) {
    return event.object && json::find(event.object->tree(), "status.conditions");
  };
  world.run(definition("httproutes", "httproute", "HTTPRoute"));
  until(established);
  world.run(definition("xlistenersets", "xlistenerset", "XListenerSet"));
  until(established);
  world.run(R"(
GET /apis/apiextensions.k8s.io/v1/customresourcedefinitions/httproutes.gateway.networking.k8s.io
=> 200
  status: {conditions: [{type: NamesAccepted, status: "True", reason: BuiltIn}, {type: Established, status: "True"}]}
POST /apis/gateway.networking.k8s.io/v1/namespaces/default/httproutes
  apiVersion: gateway.networking.k8s.io/v1
  kind: HTTPRoute
  metadata: {name: r}
  spec: {anything: 1}
=> 201
  spec: {anything: null, rules: [{matches: [{path: {value: /}}]}]}
GET /apis/gateway.networking.k8s.io/v1alpha2/namespaces/default/httproutes
=> 404
POST /apis/gateway.networking.k8s.io/v1/namespaces/default/xlistenersets
  apiVersion: gateway.networking.k8s.io/v1
  kind: XListenerSet
  metadata: {name: x}
  spec: {anything: 1}
=> 201
  spec: {anything: 1}
DELETE /apis/apiextensions.k8s.io/v1/customresourcedefinitions/httproutes.gateway.networking.k8s.io
=> 200
)");
  until([](const client::WatchEvent& event) { return event.type == client::EventType::kDeleted; });
  world.run(R"(
GET /apis/gateway.networking.k8s.io/v1/namespaces/default/httproutes/r
=> 200
  spec: {rules: "*"}
)");
}

}  // namespace
}  // namespace wherry::apiserver
