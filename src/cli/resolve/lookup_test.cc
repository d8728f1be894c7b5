// Manifests and the DNS's answers in, what `wherry resolve` prints out.
#include "cli/resolve/lookup.h"

#include <gtest/gtest.h>

#include "json/yaml.h"

namespace wherry::cli {
namespace {

const char* const kObjects = R"(
kind: Namespace
metadata: {name: default}
---
kind: Namespace
metadata: {name: shop}
---
kind: Service
metadata: {name: web, namespace: default}
spec: {type: ClusterIP, clusterIP: 10.96.4.17, ports: [{name: http, port: 80}]}
---
kind: Service
metadata: {name: cart, namespace: shop}
spec: {type: ClusterIP, clusterIP: 10.96.4.18, ports: [{port: 80}]}
---
kind: Service
metadata: {name: db, namespace: default}
spec: {type: ClusterIP, clusterIP: None, ports: [{name: sql, port: 5432}]}
---
kind: EndpointSlice
metadata: {name: db-x, namespace: default, labels: {kubernetes.io/service-name: db}}
endpoints:
- {addresses: [10.244.0.7], hostname: db-0, targetRef: {kind: Pod, name: db-0}, conditions: {ready: true}}
- {addresses: [10.244.0.8], hostname: db-1, targetRef: {kind: Pod, name: db-1}, conditions: {ready: false}}
---
kind: Service
metadata: {name: empty, namespace: default}
spec: {type: ClusterIP, clusterIP: None}
---
kind: EndpointSlice
metadata: {name: empty-x, namespace: default, labels: {kubernetes.io/service-name: empty}}
endpoints: [{addresses: [10.244.0.9], conditions: {ready: false}}]
---
kind: Service
metadata: {name: out, namespace: default}
spec: {type: ExternalName, externalName: www.example.com}
---
kind: Pod
metadata: {name: db-0, namespace: default}
status: {podIP: 10.244.0.7}
)";

NameFacts facts() {
  NameFacts out;
  for (json::Value& document : json::parseYamlStream(kObjects)) {
    auto object = std::make_shared<const meta::Object>(document);
    if (object->kind() == "Namespace") out.namespaces.emplace_back(object);
    if (object->kind() == "Service") out.services.emplace_back(object);
    if (object->kind() == "EndpointSlice") out.slices.emplace_back(object);
    if (object->kind() == "Pod") out.pods.emplace_back(object);
  }
  return out;
}

// `records`: "TYPE data, TYPE data", all of the name that was asked for.
Explained explained(const std::string& name, const std::string& type, const std::string& rcode,
                    const std::string& records = "") {
  json::Array answer;
  std::string rest = records;
  while (!rest.empty()) {
    size_t comma = std::min(rest.find(", "), rest.size());
    std::string record = rest.substr(0, comma);
    rest.erase(0, comma + 2);
    size_t space = record.find(' ');
    answer.push_back(
        {{"name", name}, {"ttl", 5}, {"type", record.substr(0, space)}, {"data", record.substr(space + 1)}});
  }
  return explain(facts(), {name, type, {{"rcode", rcode}, {"answer", answer}}});
}

std::string originOf(const std::string& name, const std::string& record) {
  return explained(name, record.substr(0, record.find(' ')), "NOERROR", record).records.at(0).from;
}
std::string why(const std::string& name, const std::string& type = "A", const std::string& rcode = "NXDOMAIN") {
  return explained(name, type, rcode).why;
}

TEST(LookupTest, EachRecordComesFromAnObject) {
  EXPECT_EQ(originOf("web.default.svc.cluster.local.", "A 10.96.4.17"), "cluster IP of Service default/web");
  EXPECT_EQ(originOf("_http._tcp.web.default.svc.cluster.local.", "SRV 0 100 80 web.default.svc.cluster.local."),
            "port http of Service default/web");
  EXPECT_EQ(originOf("db.default.svc.cluster.local.", "A 10.244.0.7"), "EndpointSlice default/db-x, pod default/db-0");
  EXPECT_EQ(originOf("db-0.db.default.svc.cluster.local.", "A 10.244.0.7"),
            "EndpointSlice default/db-x, pod default/db-0");
  EXPECT_EQ(originOf("_sql._tcp.db.default.svc.cluster.local.", "SRV 0 100 5432 db-0.db.default.svc.cluster.local."),
            "port sql of EndpointSlice default/db-x, pod default/db-0");
  EXPECT_EQ(originOf("out.default.svc.cluster.local.", "CNAME www.example.com."),
            "externalName of Service default/out");
  EXPECT_EQ(originOf("17.4.96.10.in-addr.arpa.", "PTR web.default.svc.cluster.local."),
            "cluster IP of Service default/web");
  EXPECT_EQ(originOf("7.0.244.10.in-addr.arpa.", "PTR db-0.db.default.svc.cluster.local."),
            "EndpointSlice default/db-x, pod default/db-0");
  EXPECT_EQ(originOf("10-244-0-7.default.pod.cluster.local.", "A 10.244.0.7"), "the name itself; pod default/db-0");
  EXPECT_EQ(originOf("10-244-0-7.shop.pod.cluster.local.", "A 10.244.0.7"),
            "the name itself; no pod in shop has this address");
  EXPECT_EQ(originOf("dns-version.cluster.local.", "TXT \"1.1.0\""), "the cluster DNS itself");
  EXPECT_EQ(originOf("www.example.com.", "A 192.0.2.80"), "the node's resolvers");
  EXPECT_EQ(originOf("db.default.svc.cluster.local.", "A 10.244.0.99"),
            "Service default/db, of an endpoint that has changed meanwhile");
}

TEST(LookupTest, ThereIsNoSuchService) {
  EXPECT_EQ(why("cart.default.svc.cluster.local."), "no Service cart in default; there's one in shop");
  EXPECT_EQ(why("nothing.default.svc.cluster.local."), "no Service nothing in default");
  EXPECT_EQ(why("web.nowhere.svc.cluster.local."), "no namespace nowhere; there is a Service web in default");
  EXPECT_EQ(why("nowhere.svc.cluster.local."), "no namespace nowhere");
  EXPECT_EQ(why("default.svc.cluster.local.", "A", "NOERROR"), "it has no records of its own, only names below it");
  EXPECT_EQ(why("web.cluster.local."), "below cluster.local there are only svc and pod");
  EXPECT_EQ(why("web.default.pod.cluster.local."), "web is no address with dashes for dots or colons");
  EXPECT_EQ(why("1.2.3.4.in-addr.arpa.", "PTR"), "no Service and no ready endpoint has this address");
}

TEST(LookupTest, TheServiceIsThereAndHasNothingOfTheKind) {
  EXPECT_EQ(why("empty.default.svc.cluster.local."),
            "Service default/empty exists but has no ready endpoints (1 not ready)");
  EXPECT_EQ(why("web.default.svc.cluster.local.", "AAAA", "NOERROR"), "Service default/web has no IPv6 address");
  EXPECT_EQ(why("db.default.svc.cluster.local.", "AAAA", "NOERROR"),
            "no ready endpoint of Service default/db has an IPv6 address");
  EXPECT_EQ(why("web.default.svc.cluster.local.", "TXT", "NOERROR"), "Service default/web has no TXT record");
  EXPECT_EQ(why("db-1.db.default.svc.cluster.local."), "db-1 of Service default/db is not ready");
  EXPECT_EQ(why("db-2.db.default.svc.cluster.local."), "no endpoint of Service default/db is called db-2");
  EXPECT_EQ(why("_https._tcp.web.default.svc.cluster.local.", "SRV"),
            "Service default/web has no TCP port called https; it has http (TCP)");
  EXPECT_EQ(why("_http._tcp.cart.shop.svc.cluster.local.", "SRV"),
            "Service shop/cart has no TCP port called http; its ports have no names");
}

TEST(LookupTest, AliasesAndNamesOutsideAreTheResolversMatter) {
  EXPECT_EQ(why("out.default.svc.cluster.local.", "A", "SERVFAIL"),
            "the target of Service default/out, www.example.com, can't be resolved");
  EXPECT_EQ(why("out.default.svc.cluster.local.", "A", "NXDOMAIN"),
            "the target of Service default/out, www.example.com, does not exist");
  EXPECT_EQ(why("x.out.default.svc.cluster.local."),
            "Service default/out is an ExternalName: there is nothing below it");
  EXPECT_EQ(why("www.example.com."), "not below cluster.local: the node's resolvers know no such name");
  EXPECT_EQ(why("www.example.com.", "A", "SERVFAIL"),
            "not below cluster.local: the node's resolvers were asked, and none has an answer");
}

TEST(LookupTest, AsText) {
  Lookup lookup{.name = "web", .answers = {}, .unread = {}};
  lookup.answers.push_back(explained("web.shop.svc.cluster.local.", "A", "NXDOMAIN"));
  lookup.answers.push_back(explained("web.shop.svc.cluster.local.", "AAAA", "NXDOMAIN"));
  lookup.answers.push_back(explained("web.default.svc.cluster.local.", "A", "NOERROR", "A 10.96.4.17"));
  lookup.answers.push_back(explained("web.default.svc.cluster.local.", "AAAA", "NOERROR"));
  EXPECT_EQ(renderText(lookup), R"(web.shop.svc.cluster.local.
  A,AAAA  NXDOMAIN                       no Service web in shop; there's one in default
web.default.svc.cluster.local.
  A       10.96.4.17               5 s   cluster IP of Service default/web
  AAAA    NODATA                         Service default/web has no IPv6 address
)");
  EXPECT_TRUE(lookup.found());
  EXPECT_EQ(json::getString(renderJson(lookup), "answers.2.records.0.from"), "cluster IP of Service default/web");
}

TEST(LookupTest, AnAliasWithoutATargetIsNotFound) {
  Lookup lookup{.name = "out", .answers = {}, .unread = {}};
  lookup.answers.push_back(explained("out.default.svc.cluster.local.", "A", "SERVFAIL", "CNAME www.example.com."));
  EXPECT_FALSE(lookup.found());
  EXPECT_EQ(renderText(lookup), R"(out.default.svc.cluster.local.
  CNAME   www.example.com.         5 s   externalName of Service default/out
  A       SERVFAIL                       the target of Service default/out, www.example.com, can't be resolved
)");
}

TEST(LookupTest, ADnsThatIsSilentIsSaidSo) {
  Lookup lookup{.name = "web", .answers = {}, .unread = {"services: forbidden"}};
  lookup.answers.push_back(explain(facts(), {"web.", "A", {{"failure", "nobody listens on 10.96.0.10:53"}}}));
  EXPECT_EQ(renderText(lookup), R"(web.
  A       no answer                      nobody listens on 10.96.0.10:53
not everything could be read: services: forbidden
)");
  EXPECT_FALSE(lookup.found());
}

}  // namespace
}  // namespace wherry::cli
