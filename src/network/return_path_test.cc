#include "network/return_path.h"

#include <gtest/gtest.h>
#include <netinet/in.h>

#include "base/subprocess.h"
#include "linux/local_delivery.h"
#include "linux/nft/listed_lines.h"
#include "linux/nft/render.h"
#include "linux/nft/tracer.h"
#include "linux/scratch_node.h"

namespace wherry::network {
namespace {

namespace nft = linux::nft;
using linux::accepted;
using linux::connectAs;
using linux::connectFrom;
using linux::ip;
using linux::listenIn;
using linux::received;
using linux::ScratchNamespace;

constexpr const char* kPods = "10.244.0.0/24,fd00:10:244::/64";
constexpr uint32_t kMark = linux::kClientAddressMark, kElsewhere = linux::kClientAddressElsewhereMark;

base::IpPrefix prefix(const char* text) { return *base::IpPrefix::parse(text); }

TEST(ReturnPathTable, MarksWhatTheNodeSendsUnderOthersAddressesAndItsAnswers) {
  nft::Tracer tracer({returnPathTable(prefix("10.244.0.0/24"))}, {.nodeAddresses = {ip("192.0.2.2")}});
  struct Case {
    const char* what;
    nft::Packet packet;
    uint32_t connectionMark;
    uint32_t mark;
    const char* becomes;
  };
  const Case cases[] = {
      {"the node under a client's address",
       {.source = ip("198.51.100.1"), .destination = ip("10.244.0.7")},
       kMark,
       0,
       "accept"},
      {"and to somebody who is no pod of this node",
       {.source = ip("198.51.100.1"), .destination = ip("10.244.1.7")},
       kMark,
       0,
       "masquerade, accept"},
      {"the node under its own", {.source = ip("192.0.2.2"), .destination = ip("10.244.0.7")}, 0, 0, "accept"},
      {"the node by loopback", {.source = ip("127.0.0.1"), .destination = ip("10.244.0.7")}, 0, 0, "accept"},
      {"another protocol",
       {.source = ip("198.51.100.1"), .destination = ip("10.244.0.7"), .protocol = IPPROTO_UDP},
       0,
       0,
       "accept"},
      {"somebody who is led through",
       {.source = ip("198.51.100.1"), .destination = ip("10.244.0.7"), .inputInterface = "eth0"},
       0,
       0,
       "accept"},
      {"an answer",
       {.source = ip("10.244.0.7"),
        .destination = ip("198.51.100.1"),
        .connectionMark = kMark,
        .reply = true,
        .inputInterface = "wh0"},
       kMark,
       kMark,
       "accept"},
      {"an answer of somebody else's pod",
       {.source = ip("10.244.1.7"),
        .destination = ip("192.0.2.2"),
        .connectionMark = kMark,
        .reply = true,
        .inputInterface = "eth0"},
       kMark,
       kElsewhere,
       "accept"},
      {"the answer to a connection of a pod's own",
       {.source = ip("10.244.0.7"), .destination = ip("198.51.100.1"), .reply = true, .inputInterface = "wh0"},
       0,
       0,
       "accept"},
      {"what the node itself refuses it with",
       {.source = ip("10.244.0.7"), .destination = ip("198.51.100.1"), .connectionMark = kMark, .reply = true},
       kMark,
       kMark,
       "accept"},
  };
  for (const Case& c : cases) {
    auto trace = tracer.trace(c.packet);
    EXPECT_EQ(trace.text(), c.becomes) << c.what;
    EXPECT_EQ(trace.packet.connectionMark, c.connectionMark) << c.what;
    EXPECT_EQ(trace.packet.mark, c.mark) << c.what;
  }
}

std::string outputOf(const std::vector<std::string>& argv) {
  base::Command command;
  command.argv = argv;
  return base::run(command).out;
}

class ReturnPathTest : public linux::ScratchNodeTest {
 protected:
  void SetUp() override {
    ScratchNodeTest::SetUp();
    if (!node) return;
    // As with a VPN, which has the kernel look at marks for sources too; and as of a pod's link.
    node->run([] {
      for (const char* setting : {"net/ipv4/conf/all/src_valid_mark", "net/ipv4/conf/vethA/rp_filter"}) {
        linux::writeSysctl(setting, "1");
      }
    });
  }
  void run(void (ReturnPath::*what)()) {
    node->run([&] { (path.*what)(); });
  }
  // "" when there is nothing of it.
  std::string leftOf() const {
    std::string left;
    node->run([&] {
      left = outputOf({"nft", "list", "ruleset"});
      for (const char* family : {"-4", "-6"}) {
        std::string rules = outputOf({"ip", family, "rule"});
        left += rules.find("0x7768") == std::string::npos ? "" : rules;
        left += outputOf({"ip", family, "route", "show", "table", std::to_string(kMark)});
      }
    });
    return left;
  }

  ReturnPath path{kPods};
};

struct Ends {
  const char* client;
  const char* pod;
};
constexpr Ends kEnds[] = {{"198.51.100.1", "10.244.0.1"}, {"2001:db8:ffff::1", "fd00:10:244::1"}};

TEST_F(ReturnPathTest, AnswersOfPodsComeBackFromClientsAddresses) {
  run(&ReturnPath::open);
  run(&ReturnPath::open);
  for (const Ends& ends : kEnds) {
    auto server = listenIn(*podA, SOCK_STREAM, ends.pod, 80);
    int error = 0;
    base::Fd connection = connectAs(*node, ends.client, ends.pod, 80, error);
    EXPECT_EQ(error, 0) << ends.pod;
    EXPECT_EQ(accepted(server), ends.client);
    EXPECT_EQ(connectFrom(*podB, ends.pod, 80), 0) << "others";
    EXPECT_EQ(connectFrom(*node, ends.pod, 80), 0) << "the node";
  }
}

TEST_F(ReturnPathTest, WhatIsNoPodOfTheNodeSeesTheNode) {
  node->run([] {  // whatever else it may be
    ReturnPath others("10.244.9.0/24,fd00:10:9::/64");
    others.open();
  });
  for (auto [client, pod, own] :
       {std::tuple{"198.51.100.1", "10.244.0.2", "192.0.2.1"}, {"2001:db8:ffff::1", "fd00:10:244::2", "2001:db8::1"}}) {
    auto server = listenIn(*podB, SOCK_STREAM, pod, 80), local = listenIn(*node, SOCK_STREAM, own, 80);
    node->run([] { linux::writeSysctl("net/ipv4/conf/all/src_valid_mark", "0"); });
    int error = 0;
    base::Fd connection = connectAs(*node, client, pod, 80, error);
    EXPECT_EQ(error, 0) << pod;
    EXPECT_EQ(accepted(server), own);
    base::Fd toNode = connectAs(*node, client, own, 80, error);
    EXPECT_EQ(error, 0) << own;
    EXPECT_EQ(accepted(local), own);
  }
}

TEST_F(ReturnPathTest, TheTablesAreInTheKernelAsInTheModel) {
  run(&ReturnPath::open);
  std::string model;
  for (const char* pods : {"10.244.0.0/24", "fd00:10:244::/64"}) {
    model += nft::renderTable(returnPathTable(prefix(pods)));
  }
  std::string listed;
  node->run([&] { listed = outputOf({"nft", "list", "ruleset"}); });
  EXPECT_EQ(nft::sortedLines(listed), nft::sortedLines(model));
}

TEST_F(ReturnPathTest, NothingIsLeftOfIt) {
  run(&ReturnPath::close);
  EXPECT_EQ(leftOf(), "") << "there was nothing";
  run(&ReturnPath::open);
  EXPECT_NE(leftOf(), "");
  run(&ReturnPath::close);
  EXPECT_EQ(leftOf(), "");
  int error = 0;
  auto server = listenIn(*podA, SOCK_STREAM, "10.244.0.1", 80);
  base::Fd connection = connectAs(*node, "198.51.100.1", "10.244.0.1", 80, error);
  EXPECT_NE(error, 0) << "there is no other way back";
}

TEST_F(ReturnPathTest, IsWrittenAnewWhenSomebodyRemovesOfIt) {
  run(&ReturnPath::open);
  auto server = listenIn(*podA, SOCK_STREAM, "10.244.0.1", 80);
  const std::vector<std::vector<std::string>> harms = {{"nft", "flush", "ruleset"},
                                                       {"ip", "rule", "del", "pref", "100"}};
  for (const auto& harm : harms) {
    node->run([&] { outputOf(harm); });
    int error = -1;
    for (int tries = 0; tries < 30 && error != 0; ++tries) {
      connectAs(*node, "198.51.100.1", "10.244.0.1", 80, error);
    }
    EXPECT_EQ(error, 0) << harm[0];
  }
}

}  // namespace
}  // namespace wherry::network
