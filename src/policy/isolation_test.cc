#include "policy/isolation.h"

#include <gtest/gtest.h>

#include "linux/nft/render.h"
#include "policy/block_ranges.h"
#include "policy/ruleset.h"
#include "policy/test_cluster.h"

namespace wherry::policy {
namespace {

namespace nft = linux::nft;

std::string added(const nft::ElementChanges::Change& change) { return change.after ? "add " : "delete "; }

// "add peers3 10.244.0.9, goto in4" and the like, one a line.
std::string text(const ContentChange& change) {
  std::string out;
  for (const nft::Set& set : change.newSets) out += "set " + set.name + "\n";
  for (const nft::Chain& chain : change.newChains) out += "chain " + chain.name + "\n";
  for (const auto& [element, value] : change.elements) {
    nft::Type type(element.key.bytes().size() / 4, nft::FieldType::kAddress);
    out += added(value) + element.set + " " + renderData(type, element.key) + "\n";
  }
  for (const auto& [element, decision] : change.decisions) {
    out += element.set + " " + renderData({nft::FieldType::kAddress}, element.key) + ": ";
    out += (decision.before ? nft::renderStatement(*decision.before) : "nothing") + ", now ";
    out += (decision.after ? nft::renderStatement(*decision.after) : "nothing") + "\n";
  }
  for (const std::string& name : change.goneChains) out += "no chain " + name + "\n";
  for (const std::string& name : change.goneSets) out += "no set " + name + "\n";
  return out;
}

constexpr const char* kFromWeb =
    "{podSelector: {matchLabels: {app: db}}, policyTypes: [Ingress], ingress: [{from: [{podSelector: {matchLabels: "
    "{app: web}}}]}]}";

TEST(Isolation, APodThatIsAsOthersAreIsAFewElements) {
  TestCluster cluster;
  cluster.policy("boats/p", kFromWeb);
  cluster.pod("boats/web", "{app: web}", "10.244.0.1");
  EXPECT_EQ(text(cluster.change()),
            "add peers2 10.244.0.1\negress 10.244.0.1: nothing, now return\ningress 10.244.0.1: nothing, now return\n");
  cluster.pod("boats/db", "{app: db}", "10.244.0.2");
  EXPECT_EQ(text(cluster.change()),
            "chain in3\nadd itself 10.244.0.2 . 10.244.0.2\negress 10.244.0.2: nothing, now return\n"
            "ingress 10.244.0.2: nothing, now goto in3\n");
  cluster.pod("boats/db2", "{app: db}", "10.244.0.3");
  EXPECT_EQ(text(cluster.change()),
            "add itself 10.244.0.3 . 10.244.0.3\negress 10.244.0.3: nothing, now return\n"
            "ingress 10.244.0.3: nothing, now goto in3\n");
  cluster.pod("boats/db2", "{app: db, version: new}", "10.244.0.3");
  EXPECT_EQ(text(cluster.change()), "");
  cluster.pod("boats/db2", "{app: web}", "10.244.0.3");
  EXPECT_EQ(text(cluster.change()),
            "delete itself 10.244.0.3 . 10.244.0.3\nadd peers2 10.244.0.3\n"
            "ingress 10.244.0.3: goto in3, now return\n");
}

TEST(Isolation, APolicyThatChangesIsANewChainForItsPods) {
  TestCluster cluster;
  cluster.policy("boats/p", kFromWeb);
  cluster.pod("boats/db", "{app: db}", "10.244.0.2");
  cluster.policy("boats/p",
                 "{podSelector: {matchLabels: {app: db}}, policyTypes: [Ingress], ingress: [{from: [{podSelector: "
                 "{matchLabels: {app: web}}}], ports: [{port: 80, protocol: TCP}]}]}");
  EXPECT_EQ(text(cluster.change()),
            "set ports6\nchain in5\ningress 10.244.0.2: goto in3, now goto in5\nno chain in3\n");
}

TEST(Isolation, OfPoliciesThatAreGoneNothingIsLeft) {
  TestCluster cluster;
  cluster.pod("boats/db", "{app: db}", "10.244.0.2");
  nft::Table before = wholeTable(cluster.content(), cluster.ownPods());
  cluster.policy("boats/p", kFromWeb);
  cluster.policy("boats/q", R"({podSelector: {}, policyTypes: [Egress], egress: [
      {to: [{namespaceSelector: {}}, {ipBlock: {cidr: 192.0.2.0/24}}], ports: [{port: 80, protocol: TCP}]},
      {ports: [{port: http, protocol: TCP}]}]})");
  EXPECT_NE(renderTable(before), renderTable(wholeTable(cluster.content(), cluster.ownPods())));
  cluster.policy("boats/q", "");
  cluster.policy("boats/p", "");
  EXPECT_EQ(renderTable(before), renderTable(wholeTable(cluster.content(), cluster.ownPods())));
}

TEST(Isolation, BlocksBeyondWhatOnePodMayHaveAreLeftOut) {
  std::vector<std::pair<IpBlock, PortSet>> blocks;
  for (uint32_t i = 0; i < 100; ++i) {
    blocks.push_back({{base::IpPrefix::single(base::IpAddress::ipv4(0x0a000000 + 2 * i)), {}}, PortSet::everything()});
  }
  EXPECT_EQ(flattenBlocks(blocks, base::IpFamily::kIPv4).ranges.size(), 100U);
  BlockRanges cut = flattenBlocks(blocks, base::IpFamily::kIPv4, 50);
  EXPECT_TRUE(cut.cut);
  EXPECT_EQ(cut.ranges.size(), 25U);
}

}  // namespace
}  // namespace wherry::policy
