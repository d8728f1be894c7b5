// What is asked and what is answered, over the pure half: manifests in, answers as dig shows them out.
#include "clusterdns/answer.h"

#include <gtest/gtest.h>

#include "json/yaml.h"

namespace wherry::clusterdns {
namespace {

// Services with their slices under "slices", as a user would write them.
constexpr const char* kCluster = R"(
metadata: {name: web, namespace: alpha}
spec:
  clusterIP: 10.96.10.1
  ports:
  - {name: http, port: 80, protocol: TCP}
  - {name: dns, port: 53, protocol: UDP}
slices:
- endpoints:
  - {addresses: [10.1.0.21], hostname: w1}
  - {addresses: [10.1.0.22]}
  ports: [{name: http, port: 8080, protocol: TCP}]
---
metadata: {name: db, namespace: alpha}
spec: {clusterIP: None, ports: [{name: sql, port: 5432}]}
slices:
- endpoints:
  - {addresses: [10.1.0.1], hostname: db-0, conditions: {ready: true}}
  - {addresses: [10.1.0.2], conditions: {ready: true}}
  - {addresses: [10.1.0.3], hostname: db-2, conditions: {ready: false, serving: true, terminating: true}}
  ports: [{name: sql, port: 15432, protocol: TCP}]
- endpoints:
  - {addresses: ["fd00::1"], hostname: db-0, conditions: {ready: true}}
  ports: [{name: sql, port: 15432, protocol: TCP}]
---
metadata: {name: none, namespace: alpha}
spec: {clusterIP: None, ports: [{name: http, port: 80}]}
slices: []
---
metadata: {name: inside, namespace: alpha}
spec: {type: ExternalName, externalName: Web.alpha.svc.cluster.local}
slices: []
---
metadata: {name: twice, namespace: alpha}
spec: {type: ExternalName, externalName: inside.alpha.svc.cluster.local}
slices: []
---
metadata: {name: to-pod, namespace: alpha}
spec: {type: ExternalName, externalName: db-0.db.alpha.svc.cluster.local}
slices: []
---
metadata: {name: to-nobody, namespace: alpha}
spec: {type: ExternalName, externalName: nosuch.alpha.svc.cluster.local}
slices: []
---
metadata: {name: circle, namespace: alpha}
spec: {type: ExternalName, externalName: circle.alpha.svc.cluster.local}
slices: []
---
metadata: {name: shop, namespace: alpha}
spec: {clusterIP: None, ports: [{name: http, port: 80, targetPort: http}]}
slices:
- endpoints:
  - {addresses: [10.1.1.1], targetRef: {kind: Pod, namespace: alpha, name: shop-5d4-aaa}}
  ports: [{name: http, port: 8080, protocol: TCP}]
- endpoints:
  - {addresses: [10.1.1.2], targetRef: {kind: Pod, namespace: alpha, name: shop-5d4.bbb}}
  ports: [{name: http, port: 9090, protocol: TCP}]
- endpoints:
  - {addresses: ["fd00::2:1"], targetRef: {kind: Pod, namespace: alpha, name: shop-5d4-aaa}}
  ports: [{name: http, port: 8080, protocol: TCP}]
---
metadata: {name: team, namespace: alpha}
spec: {clusterIP: None, ports: [{name: http, port: 80}]}
slices:
- endpoints:
  - {addresses: [10.1.2.1], hostname: one, targetRef: {kind: Pod, namespace: alpha, name: a}}
  - {addresses: [10.1.2.2], hostname: one, targetRef: {kind: Pod, namespace: alpha, name: b}}
  - {addresses: [10.1.2.3], hostname: a, targetRef: {kind: Pod, namespace: alpha, name: c}}
  ports: [{name: http, port: 80, protocol: TCP}]
---
metadata: {name: six, namespace: alpha}
spec: {clusterIP: "fd00:96::1", clusterIPs: ["fd00:96::1", 10.96.10.6], ports: [{name: http, port: 80}]}
slices:
- endpoints: [{addresses: ["fd00::6:1"]}]
  ports: [{name: http, port: 80, protocol: TCP}]
---
metadata: {name: outside, namespace: alpha}
spec: {type: ExternalName, externalName: www.example.com}
slices: []
)";

std::shared_ptr<const Zone> zoneOf(const char* manifests) {
  dns::Name domain = dns::Name::of("cluster.local.");
  ZoneBuilder builder(domain);
  builder.setNamespace("alpha", true);
  builder.setNamespace("empty", true);
  for (const json::Value& service : json::parseYamlStream(manifests)) {
    std::vector<meta::ObjectPtr> slices;
    for (const json::Value& slice : service.at("slices").as_array()) {
      slices.push_back(std::make_shared<meta::Object>(slice));
    }
    builder.setService("alpha", json::getString(service, "metadata.name"), renderService(domain, service, slices));
  }
  return builder.snapshot(4711);
}

std::string sorted(std::vector<dns::Record> records) {
  std::vector<std::string> lines;
  for (const dns::Record& record : records) lines.push_back(dns::renderRecord(record) + "\n");
  std::sort(lines.begin(), lines.end());
  std::string out;
  for (const std::string& line : lines) out += line;
  return out;
}

struct Answer {
  Outcome outcome;
  dns::Message message;
};

Answer ask(const Zone& zone, std::string_view name, dns::Type type, AnswerOptions options = {}, size_t limit = 1232) {
  std::string packet = dns::writeQuery(7, dns::Name::of(name), type, 1232);
  auto query = dns::Query::read(packet);
  dns::ResponseWriter writer;
  Answerer answerer(options, 42);
  Outcome outcome = answerer.answer(zone, *query, limit, writer);
  return {outcome, dns::readMessage(writer.finish()).value()};
}

struct Case {
  const char* what;
  const char* name;
  dns::Type type;
  const char* rcode;
  const char* answer;  // zone-file lines, sorted
};

TEST(AnswerTest, AnswersAsTheSpecificationSays) {
  using dns::Type;
  const Case kCases[] = {
      {"a Service is its cluster IP", "web.alpha.svc.cluster.local", Type::kA, "NOERROR",
       "web.alpha.svc.cluster.local. 5 IN A 10.96.10.1\n"},
      {"a v4-only Service has no AAAA, but exists", "web.alpha.svc.cluster.local", Type::kAaaa, "NOERROR", ""},
      {"the question's case comes back", "WEB.Alpha.svc.cluster.local", Type::kA, "NOERROR",
       "WEB.Alpha.svc.cluster.local. 5 IN A 10.96.10.1\n"},
      {"a named port is an SRV record", "_http._tcp.web.alpha.svc.cluster.local", Type::kSrv, "NOERROR",
       "_http._tcp.web.alpha.svc.cluster.local. 5 IN SRV 0 100 80 web.alpha.svc.cluster.local.\n"},
      {"the name between port and Service exists", "_tcp.web.alpha.svc.cluster.local", Type::kSrv, "NOERROR", ""},
      {"a protocol without a port does not", "_sctp.web.alpha.svc.cluster.local", Type::kSrv, "NXDOMAIN", ""},
      {"a port of another protocol does not exist", "_http._udp.web.alpha.svc.cluster.local", Type::kSrv, "NXDOMAIN",
       ""},
      {"an endpoint of a ClusterIP Service has its hostname", "w1.web.alpha.svc.cluster.local", Type::kA, "NOERROR",
       "w1.web.alpha.svc.cluster.local. 1 IN A 10.1.0.21\n"},
      {"a headless Service is its ready endpoints", "db.alpha.svc.cluster.local", Type::kA, "NOERROR",
       "db.alpha.svc.cluster.local. 1 IN A 10.1.0.1\ndb.alpha.svc.cluster.local. 1 IN A 10.1.0.2\n"},
      {"of both families", "db.alpha.svc.cluster.local", Type::kAaaa, "NOERROR",
       "db.alpha.svc.cluster.local. 1 IN AAAA fd00::1\n"},
      {"SRV names the hosts and the port they listen on", "db.alpha.svc.cluster.local", Type::kSrv, "NOERROR",
       "db.alpha.svc.cluster.local. 1 IN SRV 0 50 15432 10-1-0-2.db.alpha.svc.cluster.local.\n"
       "db.alpha.svc.cluster.local. 1 IN SRV 0 50 15432 db-0.db.alpha.svc.cluster.local.\n"},
      {"a pod's own name", "db-0.db.alpha.svc.cluster.local", Type::kA, "NOERROR",
       "db-0.db.alpha.svc.cluster.local. 1 IN A 10.1.0.1\n"},
      {"a terminating pod's name is gone", "db-2.db.alpha.svc.cluster.local", Type::kA, "NXDOMAIN", ""},
      {"nothing is below a host", "a.db-0.db.alpha.svc.cluster.local", Type::kA, "NXDOMAIN", ""},
      {"a headless Service without endpoints does not exist", "none.alpha.svc.cluster.local", Type::kA, "NXDOMAIN", ""},
      {"an unknown Service does not exist", "nosuch.alpha.svc.cluster.local", Type::kA, "NXDOMAIN", ""},
      {"a namespace without Services exists", "empty.svc.cluster.local", Type::kA, "NOERROR", ""},
      {"an unknown namespace does not", "nosuch.svc.cluster.local", Type::kA, "NXDOMAIN", ""},
      {"there are no wildcards", "*.alpha.svc.cluster.local", Type::kA, "NXDOMAIN", ""},
      {"an alias to one of ours comes with what it stands for", "inside.alpha.svc.cluster.local", Type::kA, "NOERROR",
       "inside.alpha.svc.cluster.local. 5 IN CNAME web.alpha.svc.cluster.local.\n"
       "web.alpha.svc.cluster.local. 5 IN A 10.96.10.1\n"},
      {"an alias of an alias", "twice.alpha.svc.cluster.local", Type::kA, "NOERROR",
       "inside.alpha.svc.cluster.local. 5 IN CNAME web.alpha.svc.cluster.local.\n"
       "twice.alpha.svc.cluster.local. 5 IN CNAME inside.alpha.svc.cluster.local.\n"
       "web.alpha.svc.cluster.local. 5 IN A 10.96.10.1\n"},
      {"an alias to a pod's name", "to-pod.alpha.svc.cluster.local", Type::kAaaa, "NOERROR",
       "db-0.db.alpha.svc.cluster.local. 1 IN AAAA fd00::1\n"
       "to-pod.alpha.svc.cluster.local. 5 IN CNAME db-0.db.alpha.svc.cluster.local.\n"},
      {"an alias asked for itself", "twice.alpha.svc.cluster.local", Type::kCname, "NOERROR",
       "twice.alpha.svc.cluster.local. 5 IN CNAME inside.alpha.svc.cluster.local.\n"},
      {"an alias to nobody", "to-nobody.alpha.svc.cluster.local", Type::kA, "NXDOMAIN",
       "to-nobody.alpha.svc.cluster.local. 5 IN CNAME nosuch.alpha.svc.cluster.local.\n"},
      {"a pod of a Deployment by its name, both families", "shop-5d4-aaa.shop.alpha.svc.cluster.local", Type::kA,
       "NOERROR", "shop-5d4-aaa.shop.alpha.svc.cluster.local. 1 IN A 10.1.1.1\n"},
      {"its other family", "shop-5d4-aaa.shop.alpha.svc.cluster.local", Type::kAaaa, "NOERROR",
       "shop-5d4-aaa.shop.alpha.svc.cluster.local. 1 IN AAAA fd00::2:1\n"},
      {"a pod whose name has a dot", "shop-5d4.bbb.shop.alpha.svc.cluster.local", Type::kA, "NOERROR",
       "shop-5d4.bbb.shop.alpha.svc.cluster.local. 1 IN A 10.1.1.2\n"},
      {"the end of a pod's name exists", "bbb.shop.alpha.svc.cluster.local", Type::kA, "NOERROR", ""},
      {"a label with a dot in it is another name", "shop-5d4\\.bbb.shop.alpha.svc.cluster.local", Type::kA, "NXDOMAIN",
       ""},
      {"a named port is where each pod really listens", "_http._tcp.shop.alpha.svc.cluster.local", Type::kSrv,
       "NOERROR",
       "_http._tcp.shop.alpha.svc.cluster.local. 1 IN SRV 0 33 8080 10-1-1-1.shop.alpha.svc.cluster.local.\n"
       "_http._tcp.shop.alpha.svc.cluster.local. 1 IN SRV 0 33 8080 fd00--2-1.shop.alpha.svc.cluster.local.\n"
       "_http._tcp.shop.alpha.svc.cluster.local. 1 IN SRV 0 33 9090 10-1-1-2.shop.alpha.svc.cluster.local.\n"},
      {"a single pod's port", "_http._tcp.shop-5d4.bbb.shop.alpha.svc.cluster.local", Type::kSrv, "NOERROR",
       "_http._tcp.shop-5d4.bbb.shop.alpha.svc.cluster.local. 1 IN SRV 0 100 9090 "
       "shop-5d4.bbb.shop.alpha.svc.cluster.local.\n"},
      {"a single host's port", "_sql._tcp.db-0.db.alpha.svc.cluster.local", Type::kSrv, "NOERROR",
       "_sql._tcp.db-0.db.alpha.svc.cluster.local. 1 IN SRV 0 100 15432 db-0.db.alpha.svc.cluster.local.\n"},
      {"a single host's port is nothing but an SRV record", "_sql._tcp.db-0.db.alpha.svc.cluster.local", Type::kA,
       "NXDOMAIN", ""},
      {"a port that the pod has not", "_http._tcp.db-0.db.alpha.svc.cluster.local", Type::kSrv, "NXDOMAIN", ""},
      {"the name between a pod's port and the pod exists", "_tcp.db-0.db.alpha.svc.cluster.local", Type::kSrv,
       "NOERROR", ""},
      {"a port of a pod that is not there", "_sql._tcp.db-9.db.alpha.svc.cluster.local", Type::kSrv, "NXDOMAIN", ""},
      {"a hostname that several pods share", "one.team.alpha.svc.cluster.local", Type::kA, "NOERROR",
       "one.team.alpha.svc.cluster.local. 1 IN A 10.1.2.1\none.team.alpha.svc.cluster.local. 1 IN A 10.1.2.2\n"},
      {"one of them by the pod's name", "b.team.alpha.svc.cluster.local", Type::kA, "NOERROR",
       "b.team.alpha.svc.cluster.local. 1 IN A 10.1.2.2\n"},
      {"a hostname is before a pod's name", "a.team.alpha.svc.cluster.local", Type::kA, "NOERROR",
       "a.team.alpha.svc.cluster.local. 1 IN A 10.1.2.3\n"},
      {"pods behind a cluster IP have no names of their own", "w1.six.alpha.svc.cluster.local", Type::kA, "NXDOMAIN",
       ""},
      {"a v6 cluster IP", "six.alpha.svc.cluster.local", Type::kAaaa, "NOERROR",
       "six.alpha.svc.cluster.local. 5 IN AAAA fd00:96::1\n"},
      {"the name of a v6 cluster IP", "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.6.9.0.0.0.0.d.f.ip6.arpa",
       Type::kPtr, "NOERROR",
       "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.6.9.0.0.0.0.d.f.ip6.arpa. 5 IN PTR "
       "six.alpha.svc.cluster.local.\n"},
      {"the name of a v6 endpoint", "1.0.0.0.6.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.d.f.ip6.arpa",
       Type::kPtr, "NOERROR",
       "1.0.0.0.6.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.d.f.ip6.arpa. 1 IN PTR "
       "fd00--6-1.six.alpha.svc.cluster.local.\n"},
      {"a type that nobody knows", "web.alpha.svc.cluster.local", static_cast<Type>(65280), "NOERROR", ""},
      {"an alias to the outside without a resolver is only an alias", "outside.alpha.svc.cluster.local", Type::kA,
       "NOERROR", "outside.alpha.svc.cluster.local. 5 IN CNAME www.example.com.\n"},
      {"a pod record says what its name says", "10-1-0-9.alpha.pod.cluster.local", Type::kA, "NOERROR",
       "10-1-0-9.alpha.pod.cluster.local. 1 IN A 10.1.0.9\n"},
      {"a v6 pod record", "fd00--9.alpha.pod.cluster.local", Type::kAaaa, "NOERROR",
       "fd00--9.alpha.pod.cluster.local. 1 IN AAAA fd00::9\n"},
      {"a pod record that is no address does not exist", "10-1-0-999.alpha.pod.cluster.local", Type::kA, "NXDOMAIN",
       ""},
      {"a cluster IP's name", "1.10.96.10.in-addr.arpa", Type::kPtr, "NOERROR",
       "1.10.96.10.in-addr.arpa. 5 IN PTR web.alpha.svc.cluster.local.\n"},
      {"an endpoint's name", "1.0.1.10.in-addr.arpa", Type::kPtr, "NOERROR",
       "1.0.1.10.in-addr.arpa. 1 IN PTR db-0.db.alpha.svc.cluster.local.\n"},
      {"a private address of nobody", "99.0.1.10.in-addr.arpa", Type::kPtr, "NXDOMAIN", ""},
      {"the name of a public address with nobody to ask", "1.1.1.1.in-addr.arpa", Type::kPtr, "SERVFAIL", ""},
      {"the version of the specification", "dns-version.cluster.local", Type::kTxt, "NOERROR",
       "dns-version.cluster.local. 5 IN TXT \"1.1.0\"\n"},
      {"ANY is not answered (RFC 8482)", "web.alpha.svc.cluster.local", Type::kAny, "NOERROR",
       "web.alpha.svc.cluster.local. 5 IN HINFO \"RFC8482\" \"\"\n"},
      {"the zone has an SOA", "cluster.local", Type::kSoa, "NOERROR",
       "cluster.local. 5 IN SOA ns.dns.cluster.local. hostmaster.cluster.local. 4711 7200 1800 86400 0\n"},
      {"a name outside with nobody to ask fails at once", "www.example.com", Type::kA, "SERVFAIL", ""},
  };
  auto zone = zoneOf(kCluster);
  for (const Case& c : kCases) {
    dns::Message message = ask(*zone, c.name, c.type).message;
    EXPECT_EQ(dns::rcodeName(message.rcode), c.rcode) << c.what;
    EXPECT_EQ(sorted(message.answer), c.answer) << c.what;
    bool ours = message.rcode != dns::Rcode::kServFail;
    EXPECT_EQ(message.authoritative, ours) << c.what;
    // RFC 2308: every negative answer of ours carries the SOA, with a TTL that lets nobody keep it.
    if (ours && message.answer.empty()) {
      ASSERT_EQ(message.authority.size(), 1u) << c.what;
      EXPECT_EQ(message.authority[0].ttl, 0u) << c.what;
    }
  }
}

TEST(AnswerTest, SrvAnswersBringTheAddressesOfTheirHosts) {
  auto zone = zoneOf(kCluster);
  EXPECT_EQ(sorted(ask(*zone, "db.alpha.svc.cluster.local", dns::Type::kSrv).message.additional),
            "10-1-0-2.db.alpha.svc.cluster.local. 1 IN A 10.1.0.2\n"
            "db-0.db.alpha.svc.cluster.local. 1 IN A 10.1.0.1\n"
            "db-0.db.alpha.svc.cluster.local. 1 IN AAAA fd00::1\n");
}

TEST(AnswerTest, AnAliasOfItselfEnds) {
  auto zone = zoneOf(kCluster);
  EXPECT_EQ(ask(*zone, "circle.alpha.svc.cluster.local", dns::Type::kA).message.answer.size(), 9u);
}

TEST(AnswerTest, WhatIsNotAskedOfADomainIsRefused) {
  auto zone = zoneOf(kCluster);
  for (int type : {41, 128, 250, 251, 252, 253, 254}) {
    EXPECT_EQ(ask(*zone, "cluster.local", static_cast<dns::Type>(type)).message.rcode, dns::Rcode::kRefused) << type;
  }
  std::string packet = dns::writeQuery(7, dns::Name::of("version.bind"), dns::Type::kTxt, 1232);
  packet[12 + 14 + 3] = 3;  // class CHAOS
  dns::ResponseWriter writer;
  Answerer({}, 42).answer(*zone, *dns::Query::read(packet), 1232, writer);
  EXPECT_EQ(dns::readMessage(writer.finish())->rcode, dns::Rcode::kRefused);
}

TEST(AnswerTest, PodsWeighWhatTheirAnnotationsSay) {
  dns::Name domain = dns::Name::of("cluster.local.");
  ZoneBuilder builder(domain);
  json::Value service = json::parseYaml("{metadata: {name: q, namespace: alpha}, spec: {clusterIP: None}}");
  json::Value slice = json::parseYaml(R"(
endpoints:
- {addresses: [10.1.0.1], hostname: a, targetRef: {kind: Pod, name: a}}
- {addresses: [10.1.0.2], hostname: a, targetRef: {kind: Pod, name: b}}
- {addresses: [10.1.0.3], hostname: c, targetRef: {kind: Pod, name: c}}
- {addresses: [10.1.0.4], hostname: d, targetRef: {kind: Pod, name: d}}
ports: [{name: http, port: 80, protocol: TCP}])");
  std::map<std::string, json::Value> pods = {
      {"a", json::parseYaml("{metadata: {annotations: {wherry.dev/srv-weight: '10'}}}")},
      {"b", json::parseYaml("{metadata: {annotations: {wherry.dev/srv-weight: '20'}}}")},
      {"c", json::parseYaml("{metadata: {annotations: {wherry.dev/srv-weight: 'much'}}}")},
      {"d", json::parseYaml("{metadata: {annotations: {wherry.dev/srv-weight: '0'}}}")},
  };
  auto weights = [&](std::string_view, std::string_view pod) { return weightOf(meta::Object(pods[std::string(pod)])); };
  builder.setService("alpha", "q", renderService(domain, service, {std::make_shared<meta::Object>(slice)}, weights));
  EXPECT_EQ(sorted(ask(*builder.snapshot(), "_http._tcp.q.alpha.svc.cluster.local", dns::Type::kSrv).message.answer),
            "_http._tcp.q.alpha.svc.cluster.local. 1 IN SRV 0 0 80 d.q.alpha.svc.cluster.local.\n"
            "_http._tcp.q.alpha.svc.cluster.local. 1 IN SRV 0 100 80 c.q.alpha.svc.cluster.local.\n"
            "_http._tcp.q.alpha.svc.cluster.local. 1 IN SRV 0 30 80 a.q.alpha.svc.cluster.local.\n");
}

TEST(AnswerTest, TimesToLiveAreAsConfigured) {
  auto zone = zoneOf(kCluster);
  AnswerOptions options{.ttl = 30, .headlessTtl = 0};
  EXPECT_EQ(ask(*zone, "web.alpha.svc.cluster.local", dns::Type::kA, options).message.answer.at(0).ttl, 30u);
  EXPECT_EQ(ask(*zone, "db.alpha.svc.cluster.local", dns::Type::kA, options).message.answer.at(0).ttl, 0u);
}

// Far into a long message a name can no longer be pointed to; every address finds its host nevertheless.
TEST(AnswerTest, AThousandEndpointsFitIntoAnAnswerOverTcp) {
  dns::Name domain = dns::Name::of("cluster.local.");
  ZoneBuilder builder(domain);
  json::Array endpoints;
  for (int i = 0; i < 600; ++i) {
    json::Value address("10.2." + std::to_string(i / 200) + "." + std::to_string(i % 200));
    endpoints.push_back(json::Value{{"addresses", json::Array{address}}});
  }
  json::Value slice = {{"endpoints", endpoints},
                       {"ports", json::Array{json::Value{{"name", "http"}, {"port", 80}, {"protocol", "TCP"}}}}};
  json::Value service = json::parseYaml("{metadata: {name: big, namespace: alpha}, spec: {clusterIP: None}}");
  builder.setService("alpha", "big", renderService(domain, service, {std::make_shared<meta::Object>(slice)}));
  auto zone = builder.snapshot();
  dns::Message message = ask(*zone, "big.alpha.svc.cluster.local", dns::Type::kSrv, {}, 65535).message;
  ASSERT_EQ(message.answer.size(), 600u);
  EXPECT_GT(message.additional.size(), 500u);
  EXPECT_EQ(ask(*zone, "big.alpha.svc.cluster.local", dns::Type::kA, {}, 65535).message.answer.size(), 600u);
  for (const dns::Record& record : message.additional) {
    std::string label = base::replaceAll(dns::renderAddress(std::get<dns::A>(record.data).address), ".", "-");
    EXPECT_EQ(record.name.text(), label + ".big.alpha.svc.cluster.local.");
  }
  EXPECT_EQ(sorted(ask(*zone, "199.2.2.10.in-addr.arpa", dns::Type::kPtr).message.answer),
            "199.2.2.10.in-addr.arpa. 1 IN PTR 10-2-2-199.big.alpha.svc.cluster.local.\n");
}

TEST(AnswerTest, NamesOutsideAreForwardedWhenThereIsSomebodyToAsk) {
  auto zone = zoneOf(kCluster);
  AnswerOptions options{.upstream = true};
  EXPECT_EQ(ask(*zone, "www.example.com", dns::Type::kA, options).outcome, Outcome::kForward);
  EXPECT_EQ(ask(*zone, "99.0.1.10.in-addr.arpa", dns::Type::kPtr, options).outcome, Outcome::kForward);
  EXPECT_EQ(ask(*zone, "1.0.1.10.in-addr.arpa", dns::Type::kPtr, options).outcome, Outcome::kAnswered);
  EXPECT_EQ(ask(*zone, "outside.alpha.svc.cluster.local", dns::Type::kA, options).outcome, Outcome::kForwardTarget);
  EXPECT_EQ(ask(*zone, "nosuch.alpha.svc.cluster.local", dns::Type::kA, options).outcome, Outcome::kAnswered);
}

TEST(AnswerTest, AnAnswerThatDoesNotFitSaysSo) {
  auto zone = zoneOf(kCluster);
  dns::Message message = ask(*zone, "db.alpha.svc.cluster.local", dns::Type::kA, {}, 80).message;
  EXPECT_TRUE(message.truncated);
  EXPECT_EQ(message.answer.size(), 1u);
}

TEST(AnswerTest, TheOrderOfAddressesChanges) {
  auto zone = zoneOf(kCluster);
  std::string packet = dns::writeQuery(7, dns::Name::of("db.alpha.svc.cluster.local"), dns::Type::kA, 1232);
  Answerer answerer({}, 42);
  dns::ResponseWriter writer;
  std::map<std::string, int> first;
  for (int i = 0; i < 1000; ++i) {
    answerer.answer(*zone, *dns::Query::read(packet), 1232, writer);
    ++first[dns::renderRecord(dns::readMessage(writer.finish())->answer[0])];
  }
  ASSERT_EQ(first.size(), 2u);
  for (const auto& [record, count] : first) EXPECT_NEAR(count, 500, 100) << record;
}

TEST(ZoneBuilderTest, AServiceThatGoesLeavesNothing) {
  dns::Name domain = dns::Name::of("cluster.local.");
  ZoneBuilder builder(domain);
  builder.setNamespace("alpha", true);
  json::Value service = json::parseYaml("{metadata: {name: web, namespace: alpha}, spec: {clusterIP: 10.96.0.9}}");
  builder.setService("alpha", "web", renderService(domain, service, {}));
  auto before = builder.snapshot();
  builder.setService("alpha", "web", nullptr);
  auto after = builder.snapshot();
  std::string address("\x0a\x60\x00\x09", 4);
  EXPECT_TRUE(before->findService("alpha", "web"));
  EXPECT_EQ(before->findReverse(address).size(), 1u);
  EXPECT_FALSE(after->findService("alpha", "web"));
  EXPECT_TRUE(after->findReverse(address).empty());
  EXPECT_GT(after->serial(), before->serial());
}

}  // namespace
}  // namespace wherry::clusterdns
