#include "ingress/ingress_routes.h"

#include <gtest/gtest.h>

#include "base/encoding.h"
#include "ingress/ingress_classes.h"
#include "ingress/ingress_test_world.h"
#include "pki/certificate.h"

namespace wherry::ingress {
namespace {

std::string one(const std::string& rule) { return "rules: [" + rule + "]"; }

TEST(IngressRoutes, LeadHostsAndPathsToServices) {
  IngressWorld world;
  world.has(R"(
kind: Ingress
metadata: {name: all, namespace: shop}
spec:
  ingressClassName: wherry
  rules:
  - host: a.example.com
    http:
      paths:
      - {path: /exact, pathType: Exact, backend: {service: {name: web, port: {number: 80}}}}
      - {path: /under/, pathType: Prefix, backend: {service: {name: web, port: {name: http}}}}
      - {path: /, pathType: Prefix, backend: {service: {name: web, port: {name: http}}}}
      - {path: /own, pathType: ImplementationSpecific, backend: {service: {name: new, port: {number: 80}}}}
      - {pathType: ImplementationSpecific, backend: {service: {name: web, port: {number: 9000}}}}
  - host: "*.example.com"
    http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: new, port: {number: 80}}}}]}
  - http: {paths: [{path: /any, pathType: Prefix, backend: {service: {name: new, port: {number: 80}}}}]}
)");
  const auto expected = R"(a.example.com/exact$ -> shop/web:http
a.example.com/under -> shop/web:http
a.example.com/ -> shop/web:http
a.example.com/own... -> shop/new:
a.example.com/... -> shop/web:rpc; http2
*.example.com/ -> shop/new:
*/any -> shop/new:
)";
  EXPECT_EQ(world.routes(80), expected);
  EXPECT_EQ(world.routes(443), expected);
  EXPECT_EQ(world.complaints(), "");
  EXPECT_TRUE(world.compile().model.ports.at(443).tls);
}

TEST(IngressRoutes, WithoutIngressesThereAreNoPorts) { EXPECT_TRUE(IngressWorld().compile().model.ports.empty()); }

TEST(IngressRoutes, ThePortsAreParameters) {
  IngressObjects objects;
  for (auto& tree : json::parseYamlStream("kind: Ingress\nmetadata: {name: i, namespace: shop}\nspec: {rules: [], tls: "
                                          "[{hosts: [a.example.com]}], defaultBackend: {service: {name: x}}}")) {
    objects.ingresses.emplace_back(std::make_shared<const meta::Object>(std::move(tree)));
  }
  for (auto& tree : missingClasses({})) {
    objects.classes.emplace_back(std::make_shared<const meta::Object>(std::move(tree)));
  }
  objects.httpPort = 8080;
  objects.httpsPort = 8443;
  const auto nothing = [](std::string_view, std::string_view) { return meta::ObjectPtr(); };
  const auto model = routeIngresses(objects, {nothing, nothing, nothing}).model;
  EXPECT_EQ(model.ports.size(), 2u);
  EXPECT_EQ(model.ports.at(8080).number, 8080);
  EXPECT_EQ(model.ports.at(8443).number, 8443);
  EXPECT_TRUE(model.ports.at(8443).tls);
}

TEST(IngressRoutes, TheOldestOfEqualRulesHolds) {
  IngressWorld world;
  world.has(ingressYaml("young", one(ruleYaml("a.example.com", "/a/", "Prefix", "new")), "{}", "2026-01-02T00:00:00Z"));
  world.has(ingressYaml("old", one(ruleYaml("a.example.com", "/a")), "{}", "2026-01-01T00:00:00Z"));
  world.has(ingressYaml("twice",
                        one(ruleYaml("b.example.com", "/") + ", " + ruleYaml("b.example.com", "/", "Prefix", "new")),
                        "{}", "2026-01-03T00:00:00Z"));
  EXPECT_EQ(world.complaints(),
            R"(shop/young RuleConflict: a.example.com/a/ is led by Ingress shop/old already, which is older
shop/twice RuleConflict: b.example.com/ stands in it twice; the first one holds
)");
}

TEST(IngressRoutes, ADefaultBackendTakesWhatNoRuleFits) {
  IngressWorld world;
  const std::string backend = "defaultBackend: {service: {name: new, port: {number: 80}}}";
  world.has(ingressYaml("mixed", backend + ", " +
                                     one(ruleYaml("a.example.com", "/a") + ", " + ruleYaml("b.example.com", "/") +
                                         ", {host: c.example.com}")));
  world.has(ingressYaml("late", backend, "{}", "2026-01-02T00:00:00Z"));
  EXPECT_EQ(world.routes(), R"(a.example.com/a -> shop/web:http
b.example.com/ -> shop/web:http
*/ -> shop/new:
a.example.com/ -> shop/new:
c.example.com/ -> shop/new:
)");
  EXPECT_EQ(world.complaints(),
            "shop/late RuleConflict: default backend: what no rule fits is led by Ingress shop/mixed already, which is "
            "older\n");
}

TEST(IngressRoutes, WhatIsMissingIsAnsweredFor) {
  IngressWorld world;
  world.has(R"(
kind: Service
metadata: {name: outside, namespace: shop}
spec: {type: ExternalName, externalName: example.org, ports: [{port: 80}]}
---
kind: Ingress
metadata: {name: i, namespace: shop}
spec:
  ingressClassName: wherry
  rules:
  - http:
      paths:
      - {path: /none, pathType: Prefix, backend: {service: {name: nope, port: {number: 80}}}}
      - {path: /port, pathType: Prefix, backend: {service: {name: web, port: {number: 81}}}}
      - {path: /name, pathType: Prefix, backend: {service: {name: web, port: {name: https}}}}
      - {path: /udp, pathType: Prefix, backend: {service: {name: web, port: {number: 53}}}}
      - {path: /outside, pathType: Prefix, backend: {service: {name: outside, port: {number: 80}}}}
      - {path: /bucket, pathType: Prefix, backend: {resource: {kind: Bucket, name: files}}}
      - {path: "/with space", pathType: ImplementationSpecific, backend: {service: {name: web, port: {number: 80}}}}
)");
  EXPECT_EQ(world.routes(), R"(*/none -> 503
*/port -> 503
*/name -> 503
*/udp -> 503
*/outside -> 503
*/bucket -> 503
)");
  EXPECT_EQ(world.complaints(), R"(shop/i ServiceNotFound: */none: Service "nope" not found; it is answered with 503
shop/i ServicePortNotFound: */port: Service "web" has no TCP port 81; it is answered with 503
shop/i ServicePortNotFound: */name: Service "web" has no TCP port "https"; it is answered with 503
shop/i ServicePortNotFound: */udp: Service "web" has no TCP port 53; it is answered with 503
shop/i UnsupportedBackend: */outside: Service "outside" is of type ExternalName, which has no endpoints to lead to; it is answered with 503
shop/i UnsupportedBackend: */bucket: Bucket "files": only Services can be backends; it is answered with 503
shop/i InvalidPath: path "/with space" has spaces or characters that stand in a URL only percent-encoded; it leads nowhere
)");
}

// -- TLS --------------------------------------------------------------------------------------------------------------

const base::WallTime kNow = base::WallTime(std::chrono::seconds(1'767'225'600));

std::string secretYaml(std::string_view name, const std::string& certificate, const std::string& key) {
  return fmt::format("kind: Secret\nmetadata: {{name: {}, namespace: shop}}\ndata: {{tls.crt: {}, tls.key: {}}}\n",
                     name, base::encodeBase64(certificate), base::encodeBase64(key));
}

pki::KeyPair pairFor(const std::string& host) {
  static const pki::KeyPair authority = pki::newAuthority("ca", std::chrono::hours(24), kNow);
  return pki::issueCertificate(authority, {.commonName = "x", .names = {host}}, kNow);
}

std::string certificates(const IngressWorld& world) {
  std::string text;
  const auto result = world.compile();
  for (const Certificate& each : result.model.ports.at(443).certificates) {
    text += each.name + ":";
    for (const HostPattern& host : each.hosts) text += " " + (host.name.empty() ? "*" : host.name);
    text += "\n";
  }
  return text;
}

TEST(IngressTls, CertificatesComeFromSecretsAndHttpIsLedToHttps) {
  IngressWorld world;
  const auto pair = pairFor("*.example.com");
  world.has(secretYaml("cert", pair.certificatePem, pair.keyPem));
  world.has(ingressYaml("i", "tls: [{hosts: [a.example.com, '*.example.com'], secretName: cert}], " +
                                 one(ruleYaml("a.example.com", "/") + ", " + ruleYaml("b.example.com", "/") + ", " +
                                     ruleYaml("example.org", "/") + ", " +
                                     ruleYaml("b.example.com", "/.well-known/acme-challenge/token", "Exact"))));
  world.has(ingressYaml("other", one(ruleYaml("a.example.com", "/other")),
                        "{nginx.ingress.kubernetes.io/ssl-redirect: 'false'}"));
  EXPECT_EQ(certificates(world), "shop/cert: a.example.com *.example.com\n");
  EXPECT_EQ(world.compile().model.ports.at(443).certificates[0].pem, pair.certificatePem + pair.keyPem);
  EXPECT_EQ(world.routes(80), R"(a.example.com/ -> 308 https://*
b.example.com/ -> 308 https://*
example.org/ -> shop/web:http
b.example.com/.well-known/acme-challenge/token$ -> shop/web:http
a.example.com/other -> shop/web:http
)");
  EXPECT_EQ(world.routes(443), R"(a.example.com/ -> shop/web:http
b.example.com/ -> shop/web:http
example.org/ -> shop/web:http
b.example.com/.well-known/acme-challenge/token$ -> shop/web:http
a.example.com/other -> shop/web:http
)");
  EXPECT_EQ(world.complaints(), "");
  EXPECT_EQ(world.compile().secrets, (std::set<meta::ObjectKey>{{"shop", "cert"}}));
}

TEST(IngressTls, ACertificateIsReadOnceWhileItIsInUse) {
  IngressWorld world;
  CertificateCache cache;
  world.cache = &cache;
  const auto pair = pairFor("a.example.com"), other = pairFor("a.example.com");
  const auto round = [&] {
    const auto pem = world.compile().model.ports.at(443).certificates.at(0).pem;
    cache.sweep();
    return pem;
  };
  world.has(secretYaml("cert", pair.certificatePem, pair.keyPem));
  world.has(
      ingressYaml("i", "tls: [{hosts: [a.example.com], secretName: cert}], " + one(ruleYaml("a.example.com", "/"))));
  for (int i = 0; i < 3; ++i) EXPECT_EQ(round(), pair.certificatePem + pair.keyPem);
  EXPECT_EQ(cache.reads(), 1);
  // Another content is read, and the one before it forgotten.
  world.has(secretYaml("cert", other.certificatePem, other.keyPem));
  for (int i = 0; i < 3; ++i) EXPECT_EQ(round(), other.certificatePem + other.keyPem);
  EXPECT_EQ(cache.reads(), 2);
  EXPECT_EQ(cache.size(), 1U);
  // A faulty one, too.
  world.has(secretYaml("cert", other.certificatePem, pair.keyPem));
  for (int i = 0; i < 3; ++i) EXPECT_EQ(world.compile().complaints.size(), 1U);
  EXPECT_EQ(cache.reads(), 3);
}

TEST(IngressTls, ACertificateThatCantBeServedIsComplainedAbout) {
  IngressWorld world;
  const auto a = pairFor("a.example.com"), b = pairFor("b.example.com");
  world.has(secretYaml("a", a.certificatePem, a.keyPem));
  world.has(secretYaml("mixed", a.certificatePem, b.keyPem));
  world.has(
      ingressYaml("i",
                  "tls: [{hosts: [x.example.com], secretName: nope}, {hosts: [y.example.com], secretName: mixed}, "
                  "{hosts: [a.example.com, z.example.com], secretName: a}], " +
                      one(ruleYaml("x.example.com", "/"))));
  const auto b2 = pairFor("a.example.com");
  world.has(secretYaml("again", b2.certificatePem, b2.keyPem));
  world.has(ingressYaml("young", "tls: [{secretName: again}], " + one(ruleYaml("a.example.com", "/")), "{}",
                        "2026-01-02T00:00:00Z"));
  EXPECT_EQ(certificates(world), "shop/a: a.example.com z.example.com\nshop/again:\n");
  EXPECT_EQ(world.complaints(),
            R"(shop/i SecretNotFound: tls: Secret "nope" not found; the front door's own certificate is served instead
shop/i InvalidCertificate: tls: Secret "mixed": the key does not belong to the certificate; the front door's own certificate is served instead
shop/i InvalidCertificate: tls: the certificate of Secret "shop/a" is for a.example.com, not for "z.example.com"
shop/young CertificateConflict: tls: host "a.example.com" has the certificate of Ingress shop/i already
)");
  EXPECT_EQ(world.routes(80), "x.example.com/ -> 308 https://*\na.example.com/ -> 308 https://*\n");
  EXPECT_EQ(world.compile().secrets.size(), 4u);
}

TEST(IngressTls, MayBeHandedOnAsItIs) {
  IngressWorld world;
  world.has(ingressYaml("i",
                        one(ruleYaml("a.example.com", "/api", "Prefix", "new") + ", " + ruleYaml("a.example.com", "/")),
                        "{nginx.ingress.kubernetes.io/ssl-passthrough: 'true'}"));
  const auto port = world.compile().model.ports.at(443);
  EXPECT_EQ(textOf(port.routes), "");
  ASSERT_EQ(port.passthroughs.size(), 1u);
  EXPECT_EQ(port.passthroughs[0].host.name, "a.example.com");
  EXPECT_EQ(textOf(port.passthroughs[0].to), "shop/web:http; tcp");
  EXPECT_EQ(world.routes(80), "a.example.com/api -> shop/new:\na.example.com/ -> shop/web:http\n");
}

// -- canaries ---------------------------------------------------------------------------------------------------------

TEST(IngressCanary, TakesAPartOfAnotherIngresssPath) {
  IngressWorld world;
  world.has(
      ingressYaml("main", one(ruleYaml("a.example.com", "/x")),
                  "{nginx.ingress.kubernetes.io/proxy-body-size: 1k, nginx.ingress.kubernetes.io/affinity: cookie}"));
  world.has(
      ingressYaml("canary", one(ruleYaml("a.example.com", "/x", "Prefix", "new")),
                  "{nginx.ingress.kubernetes.io/canary: 'true', nginx.ingress.kubernetes.io/canary-by-header: X-New, "
                  "nginx.ingress.kubernetes.io/canary-by-cookie: new, nginx.ingress.kubernetes.io/canary-weight: '20', "
                  "nginx.ingress.kubernetes.io/proxy-body-size: 9k}"));
  EXPECT_EQ(world.routes(), R"(a.example.com/x [header X-New=always] -> shop/new:; sticky INGRESSCOOKIE; body 1024
a.example.com/x [header X-New=never] -> shop/web:http; sticky INGRESSCOOKIE; body 1024
a.example.com/x [cookie new=always] -> shop/new:; sticky INGRESSCOOKIE; body 1024
a.example.com/x [cookie new=never] -> shop/web:http; sticky INGRESSCOOKIE; body 1024
a.example.com/x [20 of 100] -> shop/new:; sticky INGRESSCOOKIE; body 1024
a.example.com/x -> shop/web:http; sticky INGRESSCOOKIE; body 1024
)");
  EXPECT_EQ(world.complaints(), "");
  EXPECT_EQ(world.compile().ours.size(), 2u);
}

TEST(IngressCanary, GoesByTheValueOfAHeader) {
  const auto routes = [](std::string_view annotations) {
    IngressWorld world;
    world.has(ingressYaml("main", one(ruleYaml("", "/"))));
    world.has(ingressYaml(
        "canary", one(ruleYaml("", "/", "Prefix", "new")),
        fmt::format("{{wherry.dev/canary: 'true', wherry.dev/canary-by-header: X-User, {}}}", annotations)));
    return world.routes() + world.complaints();
  };
  EXPECT_EQ(routes("wherry.dev/canary-by-header-value: jane, wherry.dev/canary-by-header-pattern: 'j.*'"),
            "*/ [header X-User=jane] -> shop/new:\n*/ -> shop/web:http\n");
  EXPECT_EQ(routes("wherry.dev/canary-by-header-pattern: 'j.*'"),
            "*/ [header X-User~j.*] -> shop/new:\n*/ -> shop/web:http\n");
  EXPECT_EQ(routes("wherry.dev/canary-weight: '700', wherry.dev/canary-weight-total: '500'"),
            "*/ [header X-User=always] -> shop/new:\n*/ [header X-User=never] -> shop/web:http\n"
            "*/ -> shop/new:\n*/ -> shop/web:http\n");
}

TEST(IngressCanary, NeedsAnIngressToTakeFrom) {
  IngressWorld world;
  const std::string canary =
      "{nginx.ingress.kubernetes.io/canary: 'true', nginx.ingress.kubernetes.io/canary-weight: '1'}";
  world.has(R"(
kind: Service
metadata: {name: web, namespace: other}
spec: {ports: [{port: 80}]}
---
kind: Ingress
metadata: {name: theirs, namespace: other}
spec: {ingressClassName: wherry, rules: [{host: b.example.com, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}}]}
)");
  world.has(ingressYaml("main", one(ruleYaml("a.example.com", "/"))));
  world.has(ingressYaml(
      "c1", one(ruleYaml("a.example.com", "/", "Prefix", "new") + ", " + ruleYaml("b.example.com", "/")), canary));
  world.has(ingressYaml("c2", one(ruleYaml("a.example.com", "/", "Prefix", "new")), canary, "2026-01-02T00:00:00Z"));
  EXPECT_EQ(world.routes(), R"(b.example.com/ -> other/web:
a.example.com/ [1 of 100] -> shop/new:
a.example.com/ -> shop/web:http
)");
  EXPECT_EQ(world.complaints(), R"(shop/c1 InvalidCanary: b.example.com/: no other Ingress of the namespace leads it
shop/c2 RuleConflict: a.example.com/ has the canary shop/c1 already, which is older
)");
}

// -- other names ------------------------------------------------------------------------------------------------------

TEST(IngressRoutes, OtherNamesOfAHost) {
  IngressWorld world;
  world.has(ingressYaml(
      "i", one(ruleYaml("example.com", "/") + ", " + ruleYaml("www.example.org", "/")),
      "{nginx.ingress.kubernetes.io/from-to-www-redirect: 'true', "
      "nginx.ingress.kubernetes.io/server-alias: 'shop.example.com,*.shop.example.com, taken.example.com'}"));
  world.has(ingressYaml("j", one(ruleYaml("taken.example.com", "/") + ", " + ruleYaml("example.org", "/")), "{}",
                        "2026-01-02T00:00:00Z"));
  EXPECT_EQ(world.routes(), R"(example.com/ -> shop/web:http
www.example.org/ -> shop/web:http
taken.example.com/ -> shop/web:http
example.org/ -> shop/web:http
www.example.com/ -> 308 *://example.com
shop.example.com/ -> shop/web:http
*.shop.example.com/ -> shop/web:http
)");
  EXPECT_EQ(world.complaints(),
            R"(shop/i RuleConflict: from-to-www-redirect: example.org is a host with rules of its own
shop/i RuleConflict: server-alias: taken.example.com is a host with rules of its own
)");
}

}  // namespace
}  // namespace wherry::ingress
