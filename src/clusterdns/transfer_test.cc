// Whole zones: what is asked for one by one and what is transferred is the same.
#include "clusterdns/transfer.h"

#include <set>

#include <gtest/gtest.h>

#include "json/yaml.h"

namespace wherry::clusterdns {
namespace {

std::vector<std::string> transfer(const std::shared_ptr<const Zone>& zone, size_t* messages = nullptr) {
  Transfer transfer(zone, dns::writeQuery(7, zone->domain(), dns::Type::kAxfr, std::nullopt), {});
  dns::ResponseWriter writer;
  std::vector<std::string> lines;
  while (auto response = transfer.next(writer)) {
    auto message = dns::readMessage(*response);
    EXPECT_TRUE(message && message->authoritative && !message->truncated && !message->answer.empty());
    if (!message) break;
    for (const dns::Record& record : message->answer) lines.push_back(dns::renderRecord(record));
    if (messages) ++*messages;
  }
  return lines;
}

TEST(TransferTest, HasEveryNameOnce) {
  dns::Name domain = dns::Name::of("cluster.local.");
  ZoneBuilder builder(domain);
  json::Value web = json::parseYaml(
      "{metadata: {name: web, namespace: a}, spec: {clusterIP: 10.96.0.9, clusterIPs: [10.96.0.9, 'fd00::9'], ports: "
      "[{name: http, port: 80}, {port: 81}]}}");
  json::Value db = json::parseYaml("{metadata: {name: db, namespace: a}, spec: {clusterIP: None}}");
  json::Value slice = json::parseYaml(
      "{endpoints: [{addresses: [10.1.0.1], targetRef: {kind: Pod, name: db-x}}], ports: [{name: sql, port: 5432}]}");
  json::Value out =
      json::parseYaml("{metadata: {name: out, namespace: a}, spec: {type: ExternalName, externalName: example.com}}");
  builder.setService("a", "web", renderService(domain, web, {}));
  builder.setService("a", "db", renderService(domain, db, {std::make_shared<meta::Object>(slice)}));
  builder.setService("a", "out", renderService(domain, out, {}));
  std::vector<std::string> lines = transfer(builder.snapshot(9));
  std::string soa = "cluster.local. 5 IN SOA ns.dns.cluster.local. hostmaster.cluster.local. 9 7200 1800 86400 0";
  ASSERT_GT(lines.size(), 2u);
  EXPECT_EQ(lines.front(), soa);
  EXPECT_EQ(lines.back(), soa);
  lines.pop_back();
  std::sort(lines.begin(), lines.end());
  std::vector<std::string> expected = {
      soa,
      "cluster.local. 5 IN NS kube-dns.kube-system.svc.cluster.local.",
      "dns-version.cluster.local. 5 IN TXT \"1.1.0\"",
      "web.a.svc.cluster.local. 5 IN A 10.96.0.9",
      "web.a.svc.cluster.local. 5 IN AAAA fd00::9",
      "web.a.svc.cluster.local. 5 IN SRV 0 100 80 web.a.svc.cluster.local.",
      "web.a.svc.cluster.local. 5 IN SRV 0 100 81 web.a.svc.cluster.local.",
      "_http._tcp.web.a.svc.cluster.local. 5 IN SRV 0 100 80 web.a.svc.cluster.local.",
      "out.a.svc.cluster.local. 5 IN CNAME example.com.",
      "db.a.svc.cluster.local. 1 IN A 10.1.0.1",
      "db.a.svc.cluster.local. 1 IN SRV 0 100 5432 10-1-0-1.db.a.svc.cluster.local.",
      "_sql._tcp.db.a.svc.cluster.local. 1 IN SRV 0 100 5432 10-1-0-1.db.a.svc.cluster.local.",
      "10-1-0-1.db.a.svc.cluster.local. 1 IN A 10.1.0.1",
      "10-1-0-1.db.a.svc.cluster.local. 1 IN SRV 0 100 5432 10-1-0-1.db.a.svc.cluster.local.",
      "_sql._tcp.10-1-0-1.db.a.svc.cluster.local. 1 IN SRV 0 100 5432 10-1-0-1.db.a.svc.cluster.local.",
      "db-x.db.a.svc.cluster.local. 1 IN A 10.1.0.1",
      "db-x.db.a.svc.cluster.local. 1 IN SRV 0 100 5432 db-x.db.a.svc.cluster.local.",
      "_sql._tcp.db-x.db.a.svc.cluster.local. 1 IN SRV 0 100 5432 db-x.db.a.svc.cluster.local.",
  };
  std::sort(expected.begin(), expected.end());
  EXPECT_EQ(lines, expected);
}

TEST(TransferTest, ALargeZoneComesInSeveralMessages) {
  dns::Name domain = dns::Name::of("cluster.local.");
  ZoneBuilder builder(domain);
  for (int i = 0; i < 2000; ++i) {
    std::string name = "s" + std::to_string(i);
    json::Value service = {{"metadata", {{"name", name}, {"namespace", "a"}}}, {"spec", {{"clusterIP", "10.96.0.9"}}}};
    builder.setService("a", name, renderService(domain, service, {}));
  }
  size_t messages = 0;
  std::vector<std::string> lines = transfer(builder.snapshot(), &messages);
  EXPECT_GT(messages, 2u);
  EXPECT_EQ(lines.size(), 2000u + 4);
  EXPECT_EQ(std::set<std::string>(lines.begin(), lines.end()).size(), 2000u + 3);
}

}  // namespace
}  // namespace wherry::clusterdns
