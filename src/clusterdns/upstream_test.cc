// Resolvers and domains as users write them.
#include "clusterdns/upstream.h"

#include <gtest/gtest.h>

#include "clusterdns/forward_config.h"
#include "clusterdns/hosts_table.h"
#include "clusterdns/resolv_conf.h"
#include "json/yaml.h"

namespace wherry::clusterdns {
namespace {

TEST(UpstreamTest, IsAnAddressWithOrWithoutPortAndTls) {
  struct Case {
    const char* text;
    const char* expected;  // "" : refused
  } const kCases[] = {
      {"192.0.2.1", "192.0.2.1:53"},
      {" 192.0.2.1:5353 ", "192.0.2.1:5353"},
      {"dns://192.0.2.1", "192.0.2.1:53"},
      {"2001:db8::1", "[2001:db8::1]:53"},
      {"[2001:DB8::1]:5353", "[2001:db8::1]:5353"},
      {"[2001:db8::1]", "[2001:db8::1]:53"},
      {"tls://1.1.1.1", "tls://1.1.1.1:853"},
      {"tls://1.1.1.1#one.one.one.one", "tls://1.1.1.1:853#one.one.one.one"},
      {"tls://[2001:db8::1]:8853#dns.example", "tls://[2001:db8::1]:8853#dns.example"},
      {"", ""},
      {"dns.example", ""},
      {"192.0.2.1:", ""},
      {"192.0.2.1:0", ""},
      {"192.0.2.1:99999", ""},
      {"[192.0.2.1", ""},
      {"https://192.0.2.1", ""},
      {"tls://192.0.2.1#", ""},
  };
  for (const Case& c : kCases) {
    auto upstream = parseUpstream(c.text);
    EXPECT_EQ(upstream ? upstream->text() : "", c.expected) << c.text;
  }
}

std::string text(const std::vector<StubDomain>& routes) {
  std::string out;
  for (const StubDomain& route : routes) {
    out += route.domain.text();
    for (const Upstream& upstream : route.upstreams) out += " " + upstream.text();
    out += "\n";
  }
  return out;
}

TEST(ForwardConfigTest, AStubDomainHasItsOwnResolvers) {
  EXPECT_EQ(text({parseStubDomain("Corp.example=192.0.2.1,tls://192.0.2.2").value()}),
            "corp.example. 192.0.2.1:53 tls://192.0.2.2:853\n");
  for (const char* wrong : {"corp.example", "=192.0.2.1", "corp.example=", "corp.example=nobody", "a..b=192.0.2.1"}) {
    EXPECT_FALSE(parseStubDomain(wrong)) << wrong;
  }
}

TEST(ForwardConfigTest, TheConfigMapIsTakenOverFlagsAndFlagsOverTheNode) {
  UpstreamList nodes = {*parseUpstream("192.0.2.1")};
  ForwardConfig flags;
  EXPECT_EQ(text(decideRoutes({}, {}, nodes, "10.96.0.10")), ". 192.0.2.1:53\n");
  EXPECT_EQ(text(decideRoutes({}, {}, {}, "10.96.0.10")), "");
  flags.upstreams = {*parseUpstream("192.0.2.2"), *parseUpstream("10.96.0.10")};
  flags.stubDomains = {*parseStubDomain("example=192.0.2.3"), *parseStubDomain("corp.example=192.0.2.4")};
  EXPECT_EQ(text(decideRoutes(flags, {}, nodes, "10.96.0.10")),
            "corp.example. 192.0.2.4:53\nexample. 192.0.2.3:53\n. 192.0.2.2:53\n")
      << "never ourselves";
  json::Value object = json::parseYaml(R"(
data:
  upstreamNameservers: '["192.0.2.8", "tls://192.0.2.9#dns.example"]'
  stubDomains: '{"Corp.example": ["192.0.2.7:5353"], "lan": ["192.0.2.6"]}'
  hosts: "192.0.2.5 printer.lan"
)");
  DnsConfigMap configMap = parseDnsConfigMap(&object);
  EXPECT_TRUE(configMap.mistakes.empty());
  EXPECT_EQ(configMap.hosts, "192.0.2.5 printer.lan");
  EXPECT_EQ(text(decideRoutes(flags, configMap, nodes, "10.96.0.10")),
            "corp.example. 192.0.2.7:5353\nlan. 192.0.2.6:53\nexample. 192.0.2.3:53\n"
            ". 192.0.2.8:53 tls://192.0.2.9:853#dns.example\n");
}

TEST(ForwardConfigTest, WhatIsWrongInTheConfigMapIsToldAndTheRestHolds) {
  for (const char* wrong : {"'[192'", "'{}'", "'[\"nobody\"]'", "'[1]'"}) {
    json::Value object = json::parseYaml(
        std::string("data: {stubDomains: '{\"lan\": [\"192.0.2.6\"]}', upstreamNameservers: ") + wrong + "}");
    DnsConfigMap configMap = parseDnsConfigMap(&object);
    ASSERT_EQ(configMap.mistakes.size(), 1u) << wrong;
    EXPECT_TRUE(configMap.mistakes[0].starts_with("upstreamNameservers: ")) << configMap.mistakes[0];
    EXPECT_EQ(text(decideRoutes({}, configMap, {}, "")), "lan. 192.0.2.6:53\n");
  }
  EXPECT_TRUE(parseDnsConfigMap(nullptr).upstreams.empty());
}

TEST(ForwardConfigTest, TheLongestDomainCounts) {
  ForwardConfig flags;
  flags.upstreams = {*parseUpstream("192.0.2.1")};
  flags.stubDomains = {*parseStubDomain("example=192.0.2.2"), *parseStubDomain("corp.example=192.0.2.3")};
  auto routes = decideRoutes(flags, {}, {}, "");
  auto asked = [&](const char* name) {
    return routes.at(findRoute(routes, dns::Name::of(name)).value()).upstreams[0].text();
  };
  EXPECT_EQ(asked("www.corp.example"), "192.0.2.3:53");
  EXPECT_EQ(asked("CORP.example"), "192.0.2.3:53");
  EXPECT_EQ(asked("www.example"), "192.0.2.2:53");
  EXPECT_EQ(asked("notexample"), "192.0.2.1:53");
  flags.upstreams.clear();
  EXPECT_FALSE(findRoute(decideRoutes(flags, {}, {}, ""), dns::Name::of("www.other")));
}

std::string lookUp(const HostsTable& hosts, const char* name, dns::Type type) {
  std::string packet = dns::writeQuery(7, dns::Name::of(name), type, 1232);
  auto query = dns::Query::read(packet);
  if (!hosts.knows(query->lowerFrom(0))) return "unknown";
  dns::ResponseWriter writer;
  writer.reset(*query, 1232);
  hosts.write(query->lowerFrom(0), dns::Owner::question(), type, 5, writer);
  return dns::renderMessage(*dns::readMessage(writer.finish()));
}

TEST(HostsTableTest, NamesAndAddressesAsInHosts5) {
  HostsTable hosts;
  auto parsed = hosts.addText(
      "# comment\n192.0.2.7\tBoat.example boat # the boat\n2001:db8::7 boat.example\r\n\n192.0.2.8 boat.example\n"
      "nonsense boat\n192.0.2.9\n192.0.2.10 a..b\n");
  EXPECT_EQ(parsed.entries, 4u);
  EXPECT_EQ(parsed.wrongLines, 3u);
  EXPECT_EQ(lookUp(hosts, "BOAT.example", dns::Type::kA),
            "NOERROR\n;; ANSWER\nBOAT.example. 5 IN A 192.0.2.7\nBOAT.example. 5 IN A 192.0.2.8\n");
  EXPECT_EQ(lookUp(hosts, "boat.example", dns::Type::kAaaa),
            "NOERROR\n;; ANSWER\nboat.example. 5 IN AAAA 2001:db8::7\n");
  EXPECT_EQ(lookUp(hosts, "boat", dns::Type::kAaaa), "NOERROR\n") << "the name is there";
  EXPECT_EQ(lookUp(hosts, "boat", dns::Type::kTxt), "NOERROR\n");
  EXPECT_EQ(lookUp(hosts, "ship", dns::Type::kA), "unknown");
  EXPECT_EQ(lookUp(hosts, "7.2.0.192.in-addr.arpa", dns::Type::kPtr),
            "NOERROR\n;; ANSWER\n7.2.0.192.in-addr.arpa. 5 IN PTR boat.example.\n"
            "7.2.0.192.in-addr.arpa. 5 IN PTR boat.\n");
}

TEST(HostsTableTest, AFlagIsANameAndAnAddress) {
  EXPECT_EQ(parseHostFlag("printer.lan=192.0.2.7"), std::pair(std::string("printer.lan"), std::string("192.0.2.7")));
  for (const char* wrong : {"printer.lan", "printer.lan=", "=192.0.2.7", ".=192.0.2.7", "printer.lan=printer"}) {
    EXPECT_FALSE(parseHostFlag(wrong)) << wrong;
  }
}

TEST(ResolvConfTest, TheLastSearchLineCounts) {
  std::string all;
  for (const dns::Name& name : parseSearchDomains("search first.example\nsearch  Lan.example\tcorp.example .\n")) {
    all += name.text() + " ";
  }
  EXPECT_EQ(all, "lan.example. corp.example. ");
}

}  // namespace
}  // namespace wherry::clusterdns
