#include "policy/ruleset.h"

#include <gtest/gtest.h>
#include <netinet/in.h>

#include "base/strings.h"
#include "linux/local_delivery.h"
#include "linux/nft/render.h"
#include "linux/nft/tracer.h"
#include "policy/test_cluster.h"

namespace wherry::policy {
namespace {

namespace nft = linux::nft;

nft::Trace::Outcome outcomeOf(const nft::Table& table, const nft::Packet& packet) {
  return nft::Tracer({table}, {.nodeAddresses = {ip("192.0.2.1")}}).trace(packet).outcome;
}

std::string traced(const TestCluster& cluster, const Sent& sent) {
  nft::Packet packet = packetOf(sent);
  return nft::Tracer({wholeTable(cluster.content(packet.source.family()), cluster.ownPods(packet.source.family()))},
                     {.nodeAddresses = {ip("192.0.2.1"), ip("10.96.0.10")}})
      .trace(packet)
      .text();
}

// Pods "web" 10.244.0.1 and "db" 10.244.0.2 of namespace boats, "spy" 10.244.0.3 of namespace sharks.
TestCluster harbour() {
  TestCluster cluster;
  cluster.ns("boats", "{team: blue}");
  cluster.ns("sharks", "{team: red}");
  cluster.pod("boats/web", "{app: web}", "10.244.0.1", "{name: http, containerPort: 8080}");
  cluster.pod("boats/db", "{app: db}", "10.244.0.2", "{name: sql, containerPort: 5432}");
  cluster.pod("sharks/spy", "{app: web}", "10.244.0.3");
  return cluster;
}

struct Packet {
  const char* what;
  Sent sent;
  const char* becomes;
};

void expectAll(const TestCluster& cluster, const std::vector<Packet>& packets) {
  for (const Packet& packet : packets) EXPECT_EQ(traced(cluster, packet.sent), packet.becomes) << packet.what;
}

constexpr const char* kRefused = "reject with tcp reset";

TEST(PolicyRuleset, APodIsIsolatedInTheDirectionsThatAPolicyOfItSpeaksAbout) {
  TestCluster cluster = harbour();
  cluster.policy("boats/none", "{podSelector: {matchLabels: {app: db}}, policyTypes: [Ingress]}");
  expectAll(cluster, {{"to it", {"10.244.0.1", "10.244.0.2", 5432}, kRefused},
                      {"from it", {"10.244.0.2", "10.244.0.1", 8080}, "accept"},
                      {"to another of its namespace", {"10.244.0.3", "10.244.0.1", 8080}, "accept"},
                      {"from outside to it", {"203.0.113.9", "10.244.0.2", 5432}, kRefused},
                      {"from it to outside", {"10.244.0.2", "203.0.113.9", 443}, "accept"},
                      {"by UDP", {"10.244.0.1", "10.244.0.2", 53, IPPROTO_UDP}, "reject with icmp port-unreachable"},
                      {"a ping", {"10.244.0.1", "10.244.0.2", 0, IPPROTO_ICMP}, "reject with icmp port-unreachable"}});
  cluster.policy("boats/none", "{podSelector: {matchLabels: {app: db}}, policyTypes: [Egress]}");
  expectAll(cluster, {{"to it", {"10.244.0.1", "10.244.0.2", 5432}, "accept"},
                      {"from it", {"10.244.0.2", "10.244.0.1", 8080}, kRefused},
                      {"from it to outside", {"10.244.0.2", "203.0.113.9", 443}, kRefused}});
}

TEST(PolicyRuleset, TheNodeReachesItsPodsAndTheyReachTheNode) {
  TestCluster cluster = harbour();
  cluster.policy("boats/none", "{podSelector: {}, policyTypes: [Ingress, Egress]}");
  expectAll(cluster, {{"a probe", {.from = "192.0.2.1", .to = "10.244.0.2", .port = 5432, .byNode = true}, "accept"},
                      {"the cluster DNS", {"10.244.0.2", "10.96.0.10", 53, IPPROTO_UDP}, "accept"},
                      {"the API server", {"10.244.0.2", "192.0.2.1", 6443}, "accept"}});
}

TEST(PolicyRuleset, APodIsNeverCutOffFromItself) {
  TestCluster cluster = harbour();
  cluster.policy("boats/none", "{podSelector: {}, policyTypes: [Ingress, Egress]}");
  expectAll(cluster, {{"to itself by its Service", {"10.244.0.1", "10.244.0.1", 8080}, "accept"},
                      {"to another", {"10.244.0.1", "10.244.0.2", 8080}, kRefused}});
}

TEST(PolicyRuleset, PodsAreMeantByLabelsTheirNamespacesByTheirs) {
  struct Case {
    const char* what;
    const char* from;
    const char* boats;   // whether web of boats may
    const char* sharks;  // and spy
  };
  for (const Case& c : {
           Case{"a podSelector means pods of the policy's namespace", "{podSelector: {matchLabels: {app: web}}}",
                "accept", kRefused},
           Case{"an empty one all of them", "{podSelector: {}}", "accept", kRefused},
           Case{"a namespaceSelector all pods of the namespaces", "{namespaceSelector: {matchLabels: {team: red}}}",
                kRefused, "accept"},
           Case{"an empty one all pods", "{namespaceSelector: {}}", "accept", "accept"},
           Case{"both in one peer mean what both mean",
                "{namespaceSelector: {matchLabels: {team: red}}, podSelector: {matchLabels: {app: web}}}", kRefused,
                "accept"},
           Case{"and nobody if none is both",
                "{namespaceSelector: {matchLabels: {team: red}}, podSelector: {matchLabels: {app: db}}}", kRefused,
                kRefused},
           Case{"two peers mean what either means",
                "{namespaceSelector: {matchLabels: {team: red}}}, {podSelector: {matchLabels: {app: web}}}", "accept",
                "accept"},
           Case{"expressions are looked at",
                "{podSelector: {matchExpressions: [{key: app, operator: NotIn, values: "
                "[web]}]}}",
                kRefused, kRefused},
       }) {
    TestCluster cluster = harbour();
    cluster.policy("boats/p", std::string("{podSelector: {matchLabels: {app: db}}, policyTypes: [Ingress], ingress: "
                                          "[{from: [") +
                                  c.from + "]}]}");
    EXPECT_EQ(traced(cluster, {"10.244.0.1", "10.244.0.2", 5432}), c.boats) << c.what;
    EXPECT_EQ(traced(cluster, {"10.244.0.3", "10.244.0.2", 5432}), c.sharks) << c.what;
  }
}

TEST(PolicyRuleset, PortsAreOfAProtocolSinglyInRangesOrByName) {
  TestCluster cluster = harbour();
  cluster.policy("boats/p", R"({podSelector: {matchLabels: {app: db}}, policyTypes: [Ingress], ingress: [
      {from: [{podSelector: {}}], ports: [{port: sql, protocol: TCP}, {port: 8000, endPort: 8010, protocol: TCP},
                                          {port: 53, protocol: UDP}, {port: nosuch, protocol: TCP}]},
      {from: [{namespaceSelector: {matchLabels: {team: red}}}], ports: [{protocol: SCTP}]}]})");
  expectAll(cluster,
            {{"by name", {"10.244.0.1", "10.244.0.2", 5432}, "accept"},
             {"another", {"10.244.0.1", "10.244.0.2", 5433}, kRefused},
             {"before the range", {"10.244.0.1", "10.244.0.2", 7999}, kRefused},
             {"its first", {"10.244.0.1", "10.244.0.2", 8000}, "accept"},
             {"its last", {"10.244.0.1", "10.244.0.2", 8010}, "accept"},
             {"behind it", {"10.244.0.1", "10.244.0.2", 8011}, kRefused},
             {"UDP", {"10.244.0.1", "10.244.0.2", 53, IPPROTO_UDP}, "accept"},
             {"the same by TCP", {"10.244.0.1", "10.244.0.2", 53}, kRefused},
             {"every port of SCTP", {"10.244.0.3", "10.244.0.2", 9, IPPROTO_SCTP}, "accept"},
             {"but not of TCP", {"10.244.0.3", "10.244.0.2", 9}, kRefused},
             {"nor a ping", {"10.244.0.1", "10.244.0.2", 0, IPPROTO_ICMP}, "reject with icmp port-unreachable"}});
}

TEST(PolicyRuleset, WhereNoPortsAreNamedEverythingIsAllowed) {
  TestCluster cluster = harbour();
  cluster.policy("boats/p", "{podSelector: {}, policyTypes: [Ingress], ingress: [{from: [{podSelector: {}}]}]}");
  expectAll(cluster, {{"a ping", {"10.244.0.1", "10.244.0.2", 0, IPPROTO_ICMP}, "accept"},
                      {"SCTP", {"10.244.0.1", "10.244.0.2", 5, IPPROTO_SCTP}, "accept"}});
}

TEST(PolicyRuleset, WhereNoPeersAreNamedEverybodyIsAllowed) {
  TestCluster cluster = harbour();
  cluster.policy("boats/p",
                 "{podSelector: {}, policyTypes: [Ingress], ingress: [{ports: [{port: 80, protocol: TCP}]}]}");
  expectAll(cluster, {{"a pod", {"10.244.0.3", "10.244.0.2", 80}, "accept"},
                      {"from outside", {"203.0.113.9", "10.244.0.2", 80}, "accept"},
                      {"another port", {"203.0.113.9", "10.244.0.2", 81}, kRefused}});
}

TEST(PolicyRuleset, APortByNameIsThatOfThePodThatIsSentTo) {
  TestCluster cluster = harbour();
  cluster.pod("boats/old", "{app: old}", "10.244.0.4", "{name: http, containerPort: 80}");
  for (const char* to : {"to: [{podSelector: {}}], ", ""}) {
    cluster.policy("boats/p", std::string("{podSelector: {matchLabels: {app: db}}, policyTypes: [Egress], egress: [{") +
                                  to + "ports: [{port: http, protocol: TCP}]}]}");
    expectAll(cluster, {{"its port", {"10.244.0.2", "10.244.0.1", 8080}, "accept"},
                        {"another's", {"10.244.0.2", "10.244.0.1", 80}, kRefused},
                        {"the other's", {"10.244.0.2", "10.244.0.4", 80}, "accept"},
                        {"one that has none", {"10.244.0.2", "10.244.0.3", 8080}, kRefused},
                        {"outside there are no names", {"10.244.0.2", "203.0.113.9", 8080}, kRefused}});
  }
}

TEST(PolicyRuleset, APortByNameIsThatOfThePodInABlock) {
  TestCluster cluster = harbour();
  cluster.pod("boats/old", "{app: old}", "10.244.0.4", "{name: http, containerPort: 80}");
  cluster.policy("boats/p", R"({podSelector: {matchLabels: {app: db}}, policyTypes: [Egress], egress: [
      {to: [{ipBlock: {cidr: 10.244.0.0/29, except: [10.244.0.4/32]}}, {ipBlock: {cidr: "fd00:10:244::/64"}}],
       ports: [{port: http, protocol: TCP}, {port: 443, protocol: TCP}]}]})");
  expectAll(cluster, {{"its port", {"10.244.0.2", "10.244.0.1", 8080}, "accept"},
                      {"another", {"10.244.0.2", "10.244.0.1", 80}, kRefused},
                      {"one by number", {"10.244.0.2", "10.244.0.1", 443}, "accept"},
                      {"in the hole", {"10.244.0.2", "10.244.0.4", 80}, kRefused},
                      {"one that has none", {"10.244.0.2", "10.244.0.3", 8080}, kRefused}});
}

TEST(PolicyRuleset, APolicyThatDoesNotSayWhatItSpeaksAboutSpeaksAboutWhatComesInAndWhatItHasRulesFor) {
  TestCluster cluster = harbour();
  Sent to{"10.244.0.1", "10.244.0.2", 80}, from{"10.244.0.2", "10.244.0.1", 80};
  for (const char* egress : {"", ", egress: []"}) {
    cluster.policy("boats/p", std::string("{podSelector: {matchLabels: {app: db}}") + egress + "}");
    expectAll(cluster, {{"in", to, kRefused}, {"out", from, "accept"}});
  }
  cluster.policy("boats/p", "{egress: [{ports: [{port: 81, protocol: TCP}]}]}");  // and that of all pods
  expectAll(cluster, {{"in", to, kRefused}, {"out", from, kRefused}});
}

TEST(PolicyRuleset, BlocksAreOfAddressesWithHoles) {
  TestCluster cluster = harbour();
  cluster.policy("boats/p", R"({podSelector: {matchLabels: {app: db}}, policyTypes: [Egress], egress: [
      {to: [{ipBlock: {cidr: 203.0.113.0/24, except: [203.0.113.64/26, 203.0.113.255/32]}}],
       ports: [{port: 443, protocol: TCP}]},
      {to: [{ipBlock: {cidr: 203.0.113.70/32}}]}]})");
  expectAll(cluster, {{"its first", {"10.244.0.2", "203.0.113.0", 443}, "accept"},
                      {"another port", {"10.244.0.2", "203.0.113.0", 80}, kRefused},
                      {"the last before the hole", {"10.244.0.2", "203.0.113.63", 443}, "accept"},
                      {"in the hole", {"10.244.0.2", "203.0.113.64", 443}, kRefused},
                      {"in the hole, but in another block", {"10.244.0.2", "203.0.113.70", 80}, "accept"},
                      {"behind the hole", {"10.244.0.2", "203.0.113.128", 443}, "accept"},
                      {"its last is a hole", {"10.244.0.2", "203.0.113.255", 443}, kRefused},
                      {"outside of it", {"10.244.0.2", "203.0.114.0", 443}, kRefused},
                      {"a pod is not in it", {"10.244.0.2", "10.244.0.1", 443}, kRefused}});
}

TEST(PolicyRuleset, PoliciesAddUp) {
  TestCluster cluster = harbour();
  cluster.policy("boats/none", "{podSelector: {}, policyTypes: [Ingress]}");
  cluster.policy("boats/web",
                 "{podSelector: {matchLabels: {app: db}}, policyTypes: [Ingress], ingress: [{from: "
                 "[{podSelector: {matchLabels: {app: web}}}], ports: [{port: 5432, protocol: TCP}]}]}");
  cluster.policy("boats/red",
                 "{podSelector: {matchLabels: {app: db}}, policyTypes: [Ingress], ingress: [{from: "
                 "[{namespaceSelector: {matchLabels: {team: red}}}], ports: [{port: 9187, protocol: TCP}]}]}");
  expectAll(cluster, {{"by the one", {"10.244.0.1", "10.244.0.2", 5432}, "accept"},
                      {"not by the one", {"10.244.0.1", "10.244.0.2", 9187}, kRefused},
                      {"by the other", {"10.244.0.3", "10.244.0.2", 9187}, "accept"}});
  cluster.policy("boats/red", "");
  expectAll(cluster, {{"it is gone", {"10.244.0.3", "10.244.0.2", 9187}, kRefused},
                      {"this one not", {"10.244.0.1", "10.244.0.2", 5432}, "accept"}});
}

TEST(PolicyRuleset, BothEndsMustAllow) {
  TestCluster cluster = harbour();
  cluster.policy("boats/in",
                 "{podSelector: {matchLabels: {app: db}}, policyTypes: [Ingress], ingress: [{from: "
                 "[{podSelector: {matchLabels: {app: web}}}]}]}");
  cluster.policy("boats/out", "{podSelector: {matchLabels: {app: web}}, policyTypes: [Egress]}");
  expectAll(cluster, {{"one doesn't", {"10.244.0.1", "10.244.0.2", 5432}, kRefused}});
  cluster.policy("boats/out",
                 "{podSelector: {matchLabels: {app: web}}, policyTypes: [Egress], egress: [{to: "
                 "[{podSelector: {matchLabels: {app: db}}}]}]}");
  expectAll(cluster, {{"both do", {"10.244.0.1", "10.244.0.2", 5432}, "accept"}});
}

TEST(PolicyRuleset, APodThatNobodyKnowsYetIsDroppedAsIsOneThatEnded) {
  TestCluster cluster = harbour();
  cluster.policy("sharks/none", "{podSelector: {}, policyTypes: [Ingress]}");
  expectAll(cluster, {{"to it", {"10.244.0.1", "10.244.0.77", 80}, "drop"},
                      {"from it", {"10.244.0.77", "203.0.113.9", 80}, "drop"},
                      {"an address of another node", {"10.244.0.1", "10.244.1.77", 80}, "accept"}});
  cluster.pod("boats/web", "{app: web}", "10.244.0.1", "", "Succeeded");
  expectAll(cluster, {{"it has ended", {"10.244.0.1", "10.244.0.2", 80}, "drop"}});
}

TEST(PolicyRuleset, AConnectionThatIsNotAllowedAnyMoreIsDroppedNotReset) {
  TestCluster cluster = harbour();
  cluster.policy("boats/none", "{podSelector: {matchLabels: {app: db}}, policyTypes: [Ingress]}");
  nft::Packet packet = packetOf({"10.244.0.1", "10.244.0.2", 5432});
  nft::Table table = wholeTable(cluster.content(), cluster.ownPods());
  packet.answered = true;
  EXPECT_EQ(outcomeOf(table, packet), nft::Trace::Outcome::kDrop);
  packet.invalid = true;
  EXPECT_EQ(outcomeOf(table, packet), nft::Trace::Outcome::kDrop) << "what belongs to no connection";
  packet.destination = ip("10.244.0.1");
  EXPECT_EQ(outcomeOf(table, packet), nft::Trace::Outcome::kAccept) << "to who is not isolated";
}

TEST(PolicyRuleset, LabelsOfPodsAndNamespacesAreFollowed) {
  TestCluster cluster = harbour();
  cluster.policy("boats/p",
                 "{podSelector: {matchLabels: {app: db}}, policyTypes: [Ingress], ingress: [{from: "
                 "[{namespaceSelector: {matchLabels: {team: blue}}, podSelector: {matchLabels: {app: web}}}]}]}");
  Sent web{"10.244.0.1", "10.244.0.2", 80}, spy{"10.244.0.3", "10.244.0.2", 80};
  expectAll(cluster, {{"at first", web, "accept"}, {"at first", spy, kRefused}});
  cluster.pod("boats/web", "{app: other}", "10.244.0.1");
  expectAll(cluster, {{"the pod's label is gone", web, kRefused}});
  cluster.ns("sharks", "{team: blue}");
  expectAll(cluster, {{"the namespace has the label", spy, "accept"}});
  cluster.ns("sharks", "");
  expectAll(cluster, {{"the namespace is gone", spy, kRefused}});
  cluster.pod("boats/db", "{app: other}", "10.244.0.2");
  expectAll(cluster, {{"it is isolated no more", spy, "accept"}});
}

TEST(PolicyRuleset, IsTheSameForIpv6) {
  TestCluster cluster = harbour();
  cluster.pod("boats/six", "{app: web}", "10.244.0.6, fd00:10:244::6");
  cluster.pod("boats/db6", "{app: db}", "10.244.0.7, fd00:10:244::7");
  cluster.policy("boats/p", R"({podSelector: {matchLabels: {app: db}}, policyTypes: [Ingress], ingress: [{from: [
      {podSelector: {matchLabels: {app: web}}},
      {ipBlock: {cidr: "2001:db8::/32", except: ["2001:db8:bad::/48"]}}]}]})");
  expectAll(cluster, {{"by IPv4", {"10.244.0.6", "10.244.0.7", 80}, "accept"},
                      {"by IPv6", {"fd00:10:244::6", "fd00:10:244::7", 80}, "accept"},
                      {"of a block", {"2001:db8::1", "fd00:10:244::7", 80}, "accept"},
                      {"in its hole", {"2001:db8:bad::1", "fd00:10:244::7", 80}, kRefused},
                      {"behind the hole", {"2001:db8:bae::1", "fd00:10:244::7", 80}, "accept"},
                      {"outside", {"2001:db9::1", "fd00:10:244::7", 80}, kRefused}});
}

TEST(PolicyRuleset, APodHasTheAddressOfOneThatIsGone) {
  TestCluster cluster = harbour();
  cluster.policy("boats/p", "{podSelector: {}, policyTypes: [Ingress]}");
  cluster.pod("sharks/next", "{}", "10.244.0.2");  // before it is known that the other ended
  cluster.pod("boats/db", "{app: db}", "10.244.0.2", "", "Failed");
  expectAll(cluster, {{"not isolated in its namespace", {"10.244.0.1", "10.244.0.2", 80}, "accept"}});
}

// Whatever is said of the one that ends, whichever of the two is heard of last.
TEST(PolicyRuleset, OfAPodThatEndsNothingHoldsForTheNextOneWithItsAddress) {
  TestCluster cluster = harbour();
  cluster.policy("boats/p",
                 "{podSelector: {matchLabels: {app: db}}, policyTypes: [Ingress], ingress: [{from: [{podSelector: "
                 "{matchLabels: {app: web}}}]}]}");
  Sent to{"10.244.0.3", "10.244.0.9", 80}, from{"10.244.0.9", "10.244.0.2", 80};
  auto expectIsolated = [&](const char* when) { expectAll(cluster, {{when, to, kRefused}, {when, from, kRefused}}); };
  cluster.pod("boats/aaa", "{app: web}", "10.244.0.9");
  expectAll(cluster, {{"alone", to, "accept"}, {"alone", from, "accept"}});
  cluster.endingPod("boats/aaa", "{app: web}", "10.244.0.9");
  cluster.pod("boats/next", "{app: db}", "10.244.0.9");
  expectIsolated("at first");
  cluster.endingPod("boats/aaa", "{app: web, more: labels}", "10.244.0.9");
  expectIsolated("a label of the other has changed");
  cluster.policy("boats/q", "{podSelector: {matchLabels: {app: web}}, policyTypes: [Egress], egress: [{}]}");
  expectIsolated("a policy of the other has come");
  cluster.endingPod("boats/aaa", "{app: other}", "10.244.0.9");
  expectIsolated("the other is meant no more");
  cluster.pod("boats/aaa", "{}", "");
  expectIsolated("the other is gone");
  cluster.endingPod("boats/zzz", "{app: web}", "10.244.0.9");
  expectIsolated("another is heard of later, but ends");
  cluster.pod("boats/zzz", "{}", "");
  cluster.pod("boats/next", "{app: web}", "10.244.0.9");
  expectAll(cluster, {{"as its own labels say", to, "accept"}, {"as its own labels say", from, "accept"}});
}

TEST(PolicyRuleset, ReadsAsNftListsIt) {
  TestCluster cluster = harbour();
  cluster.policy("boats/p",
                 "{podSelector: {matchLabels: {app: db}}, policyTypes: [Ingress], ingress: [{from: "
                 "[{podSelector: {matchLabels: {app: web}}}, {ipBlock: {cidr: 192.0.2.0/24}}], ports: "
                 "[{port: 5432, protocol: TCP}]}]}");
  std::string text = renderTable(wholeTable(cluster.content(), cluster.ownPods()));
  for (const char* line : {
           "elements = { 10.244.0.2 . 10.244.0.2 }",
           "10.244.0.2 : goto in3",
           "chain in3 {\n\t\tct original ip saddr . ct protocol . ct reply proto-src @in3_blocks return\n"
           "\t\tct original ip saddr @peers2 ct protocol . ct reply proto-src @ports4 return\n\t\tgoto refuse\n",
           "ct reply ip saddr vmap @ingress",
           "type filter hook forward priority filter + 10; policy accept;",
       }) {
    EXPECT_NE(text.find(line), std::string::npos) << line << "\nnot in\n" << text;
  }
}

TEST(PolicyRuleset, JudgesWhatTheNodeSendsUnderAClientsAddress) {
  TestCluster cluster = harbour();
  cluster.policy("boats/p",
                 "{podSelector: {matchLabels: {app: db}}, policyTypes: [Ingress], ingress: [{from: [{ipBlock: {cidr: "
                 "198.51.100.2/32}}]}]}");
  nft::Table table = wholeTable(cluster.content(), cluster.ownPods());
  struct Case {
    const char* what;
    const char* from;
    const char* to;
    uint32_t mark;
    nft::Trace::Outcome becomes;
  };
  using Outcome = nft::Trace::Outcome;
  for (const Case& c :
       {Case{"a client who may", "198.51.100.2", "10.244.0.2", linux::kClientAddressMark, Outcome::kAccept},
        {"one who may not", "198.51.100.7", "10.244.0.2", linux::kClientAddressMark, Outcome::kTcpReset},
        {"the node", "192.0.2.1", "10.244.0.2", 0, Outcome::kAccept},
        {"a pod that nobody isolates", "198.51.100.7", "10.244.0.1", linux::kClientAddressMark, Outcome::kAccept},
        {"somebody who is no pod of the node", "198.51.100.7", "203.0.113.1", linux::kClientAddressMark,
         Outcome::kAccept}}) {
    EXPECT_EQ(
        outcomeOf(table,
                  {.source = ip(c.from), .destination = ip(c.to), .destinationPort = 5432, .connectionMark = c.mark}),
        c.becomes)
        << c.what;
  }
  nft::Packet refusal{.source = ip("10.244.0.2"),
                      .destination = ip("198.51.100.7"),
                      .connectionMark = linux::kClientAddressMark,
                      .reply = true};
  EXPECT_EQ(outcomeOf(table, refusal), Outcome::kAccept) << "what it is refused with";
}

}  // namespace
}  // namespace wherry::policy
