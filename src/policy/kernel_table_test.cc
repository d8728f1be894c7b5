// The table in a real kernel: a node with two pods, connections between them. Needs root.
#include "policy/kernel_table.h"

#include <gtest/gtest.h>
#include <linux/netlink.h>

#include "base/strings.h"
#include "base/subprocess.h"
#include "linux/local_delivery.h"
#include "linux/nft/base_chains.h"
#include "linux/nft/listed_lines.h"
#include "linux/nft/render.h"
#include "linux/scratch_node.h"
#include "policy/test_cluster.h"

namespace wherry::policy {
namespace {

using linux::accepted;
using linux::connectFrom;
using linux::listenIn;
using linux::ScratchNamespace;
using linux::socketIn;

using PolicyTableTest = linux::ScratchNodeTest;

// The table of a cluster in which web is pod A of the node and db pod B.
class Loaded {
 public:
  Loaded(const ScratchNamespace& node, base::IpFamily family = base::IpFamily::kIPv4) : node_(node), family_(family) {
    cluster.ns("boats", "{}");
    web("{app: web}");
    cluster.pod("boats/db", "{app: db}", "10.244.0.2, fd00:10:244::2", "{name: sql, containerPort: 5432}");
    node_.run([&] {
      kernel_.emplace(cluster.ownPods(family_));
      kernel_->replace(cluster.content(family_));
    });
  }
  void web(const std::string& labels) { cluster.pod("boats/web", labels, "10.244.0.1, fd00:10:244::1"); }
  // After each change of the cluster.
  void apply() {
    node_.run([&] { kernel_->apply(cluster.change(family_)); });
  }
  void allow(const std::string& ingress) {
    cluster.policy("boats/p",
                   "{podSelector: {matchLabels: {app: db}}, policyTypes: [Ingress], ingress: " + ingress + "}");
    apply();
  }

  TestCluster cluster;

 private:
  const ScratchNamespace& node_;
  const base::IpFamily family_;
  std::optional<KernelTable> kernel_;
};

constexpr const char* kFromWeb = "[{from: [{podSelector: {matchLabels: {app: web}}}]}]";

TEST_F(PolicyTableTest, AConnectionThatNobodyAllowsIsRefusedAtOnce) {
  for (auto [family, db] :
       {std::pair{base::IpFamily::kIPv4, "10.244.0.2"}, {base::IpFamily::kIPv6, "fd00:10:244::2"}}) {
    Loaded table(*node, family);
    auto server = listenIn(*podB, SOCK_STREAM, db, 5432);
    EXPECT_EQ(connectFrom(*podA, db, 5432), 0) << db;
    table.allow("[]");
    EXPECT_EQ(connectFrom(*podA, db, 5432), ECONNREFUSED) << db;
    EXPECT_EQ(connectFrom(*node, db, 5432), 0) << "from the node, " << db;
    table.allow(kFromWeb);
    EXPECT_EQ(connectFrom(*podA, db, 5432), 0) << db;
    table.web("{app: other}");
    table.apply();
    EXPECT_EQ(connectFrom(*podA, db, 5432), ECONNREFUSED) << db;
  }
}

// As network/return_path.h does.
void leadAnswersBack(const base::IpPrefix& pods) {
  namespace nft = linux::nft;
  linux::NetlinkSocket routes(NETLINK_ROUTE), rules(NETLINK_NETFILTER);
  linux::deliverMarked(routes, pods);
  // By which its clients came, and without which the kernel refuses them nothing.
  linux::setRoute(
      routes, {.destination = base::IpPrefix::all(pods.family()), .index = linux::findLink(routes, "vethA")->index});
  nft::Match isMarked{.field = nft::Field::kConnectionMark, .value = Data().number(linux::kClientAddressMark)};
  nft::Rule answer{{isMarked, nft::MatchReply{}, nft::MarkPacket{linux::kClientAddressMark}}};
  auto chain = [](std::string name, nft::ChainType type, nft::HookPoint point, nft::Rule rule) {
    return nft::Chain{
        .name = std::move(name), .hook = nft::Hook{type, point, nft::kPriorityMangle}, .rules = {std::move(rule)}};
  };
  nft::Table table{
      .name = "clients",
      .chains = {chain("output", nft::ChainType::kFilter, nft::HookPoint::kOutput,
                       {{nft::MatchNew{}, nft::MatchForeignSource{}, nft::MarkConnection{linux::kClientAddressMark}}}),
                 chain("in", nft::ChainType::kFilter, nft::HookPoint::kPrerouting, answer),
                 chain("out", nft::ChainType::kRoute, nft::HookPoint::kOutput, answer)},
      .family = pods.family()};
  nft::Batch batch(pods.family());
  batch.replaceTable(table);
  batch.commit(rules);
}

TEST_F(PolicyTableTest, WhatTheNodeSendsUnderAClientsAddressIsTheClients) {
  struct Case {
    base::IpFamily family;
    const char* db;
    const char* client;
    const char* other;
    const char* allow;
  };
  for (const Case& c : {Case{base::IpFamily::kIPv4, "10.244.0.2", "198.51.100.2", "198.51.100.7",
                             "[{from: [{ipBlock: {cidr: 198.51.100.2/32}}]}]"},
                        Case{base::IpFamily::kIPv6, "fd00:10:244::2", "2001:db8:1::2", "2001:db8:1::7",
                             "[{from: [{ipBlock: {cidr: '2001:db8:1::2/128'}}]}]"}}) {
    Loaded table(*node, c.family);
    node->run([&] { leadAnswersBack(table.cluster.ownPods(c.family)); });
    auto server = listenIn(*podB, SOCK_STREAM, c.db, 5432);
    auto connectsAs = [&](const char* client) {
      int error = 0;
      linux::connectAs(*node, client, c.db, 5432, error);
      return error;
    };
    EXPECT_EQ(connectsAs(c.other), 0) << "nobody isolates it";
    table.allow(c.allow);
    EXPECT_EQ(connectsAs(c.client), 0);
    EXPECT_EQ(connectsAs(c.other), ECONNREFUSED) << "at once";
    EXPECT_EQ(connectFrom(*node, c.db, 5432), 0) << "the node may";
  }
}

TEST_F(PolicyTableTest, PortsOfRangesAndNamesAndBlocksLetThrough) {
  Loaded table(*node);
  auto sql = listenIn(*podB, SOCK_STREAM, "10.244.0.2", 5432), other = listenIn(*podB, SOCK_STREAM, "10.244.0.2", 80);
  struct Case {
    const char* what;
    const char* ingress;
    int toSql, toOther;
  };
  for (const Case& c : {
           Case{"by name", "[{ports: [{port: sql, protocol: TCP}]}]", 0, ECONNREFUSED},
           Case{"by range", "[{ports: [{port: 79, endPort: 81, protocol: TCP}]}]", ECONNREFUSED, 0},
           Case{"another protocol", "[{ports: [{port: 80, protocol: UDP}]}]", ECONNREFUSED, ECONNREFUSED},
           Case{"a block", "[{from: [{ipBlock: {cidr: 10.244.0.0/24}}], ports: [{port: 80, protocol: TCP}]}]",
                ECONNREFUSED, 0},
           Case{"a hole", "[{from: [{ipBlock: {cidr: 10.244.0.0/24, except: [10.244.0.1/32]}}]}]", ECONNREFUSED,
                ECONNREFUSED},
           Case{"a namespace", "[{from: [{namespaceSelector: {}}], ports: [{port: 80, protocol: TCP}]}]", ECONNREFUSED,
                0},
       }) {
    table.allow(c.ingress);
    EXPECT_EQ(connectFrom(*podA, "10.244.0.2", 5432), c.toSql) << c.what;
    EXPECT_EQ(connectFrom(*podA, "10.244.0.2", 80), c.toOther) << c.what;
  }
}

// It is silent while nobody allows it, and goes on when somebody does again.
TEST_F(PolicyTableTest, AConnectionThatThereIsFollowsThePolicies) {
  Loaded table(*node);
  auto server = listenIn(*podB, SOCK_STREAM, "10.244.0.2", 5432);
  auto client = socketIn(*podA, SOCK_STREAM);
  auto target = linux::address("10.244.0.2", 5432);
  ASSERT_EQ(::connect(client.get(), linux::generic(target), target.size), 0);
  base::Fd accepted(::accept4(server.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  ASSERT_EQ(::send(client.get(), "x", 1, 0), 1);
  ASSERT_TRUE(linux::received(accepted));
  table.allow("[]");
  ASSERT_EQ(::send(client.get(), "x", 1, 0), 1);
  ASSERT_EQ(::send(accepted.get(), "x", 1, 0), 1) << "the answers' direction";
  EXPECT_FALSE(linux::received(accepted));
  EXPECT_FALSE(linux::received(client));
  table.allow(kFromWeb);
  pollfd waiting{accepted.get(), POLLIN, 0};
  EXPECT_EQ(::poll(&waiting, 1, 30'000), 1) << "sent again";
}

TEST_F(PolicyTableTest, AFlowByUdpFollowsThePolicies) {
  Loaded table(*node);
  auto server = listenIn(*podB, SOCK_DGRAM, "10.244.0.2", 53);
  auto client = socketIn(*podA, SOCK_DGRAM);
  auto target = linux::address("10.244.0.2", 53);
  ASSERT_EQ(::connect(client.get(), linux::generic(target), target.size), 0);
  ASSERT_EQ(::send(client.get(), "x", 1, 0), 1);
  ASSERT_TRUE(linux::received(server));
  table.allow("[]");
  ASSERT_EQ(::send(client.get(), "x", 1, 0), 1);
  EXPECT_FALSE(linux::received(server));
  table.allow(kFromWeb);
  // Of one that was never answered it is told that it is refused.
  EXPECT_EQ(::send(client.get(), "x", 1, 0), -1);
  EXPECT_EQ(errno, ECONNREFUSED);
  ASSERT_EQ(::send(client.get(), "x", 1, 0), 1);
  EXPECT_TRUE(linux::received(server));
}

TEST_F(PolicyTableTest, TheLastPolicyTakesTheTableWithIt) {
  Loaded table(*node);
  node->run([] {
    linux::NetlinkSocket socket(NETLINK_NETFILTER);
    EXPECT_TRUE(linux::nft::tableExists(socket, kTable));
    removePolicyRules();
    EXPECT_FALSE(linux::nft::tableExists(socket, kTable));
    removePolicyRules();
  });
}

TEST_F(PolicyTableTest, TheKernelHoldsWhatTheModelSays) {
  if (!base::findProgram("nft")) GTEST_SKIP() << "needs nft to read the ruleset";
  for (base::IpFamily family : base::kIpFamilies) {
    Loaded table(*node, family);
    table.allow(R"([{from: [{podSelector: {matchLabels: {app: web}}}], ports: [{port: sql, protocol: TCP}]},
                    {from: [{namespaceSelector: {}}, {ipBlock: {cidr: 192.0.2.0/24, except: [192.0.2.7/32]}},
                            {ipBlock: {cidr: "2001:db8::/32"}}],
                     ports: [{port: 80, endPort: 90, protocol: TCP}, {port: 53, protocol: UDP}]}])");
    table.web("{app: other}");
    table.apply();
    table.web("{app: web}");
    table.apply();
    base::Finished listed;
    node->run([&] {
      listed = base::run({.argv = {"nft", "list", "table", family == base::IpFamily::kIPv4 ? "ip" : "ip6", kTable}});
    });
    ASSERT_TRUE(listed.ok()) << listed.err;
    auto model = renderTable(wholeTable(table.cluster.content(family), table.cluster.ownPods(family)));
    EXPECT_EQ(base::join(linux::nft::sortedLines(listed.out), "\n"), base::join(linux::nft::sortedLines(model), "\n"));
  }
}

}  // namespace
}  // namespace wherry::policy
