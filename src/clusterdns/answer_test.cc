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
spec: {type: ExternalName, externalName: web.alpha.svc.cluster.local}
slices: []
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
  return builder.snapshot();
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
       "web.alpha.svc.cluster.local. 1 IN A 10.96.10.1\n"},
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
       "1.0.1.10.in-addr.arpa. 5 IN PTR db-0.db.alpha.svc.cluster.local.\n"},
      {"a private address of nobody", "99.0.1.10.in-addr.arpa", Type::kPtr, "NXDOMAIN", ""},
      {"the name of a public address with nobody to ask", "1.1.1.1.in-addr.arpa", Type::kPtr, "SERVFAIL", ""},
      {"the version of the specification", "dns-version.cluster.local", Type::kTxt, "NOERROR",
       "dns-version.cluster.local. 5 IN TXT \"1.1.0\"\n"},
      {"ANY is not answered (RFC 8482)", "web.alpha.svc.cluster.local", Type::kAny, "NOERROR",
       "web.alpha.svc.cluster.local. 5 IN HINFO \"RFC8482\" \"\"\n"},
      {"the zone has an SOA", "cluster.local", Type::kSoa, "NOERROR",
       "cluster.local. 5 IN SOA ns.dns.cluster.local. hostmaster.cluster.local. 1 7200 1800 86400 0\n"},
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
  EXPECT_TRUE(before->findReverse(address));
  EXPECT_FALSE(after->findService("alpha", "web"));
  EXPECT_FALSE(after->findReverse(address));
}

}  // namespace
}  // namespace wherry::clusterdns
