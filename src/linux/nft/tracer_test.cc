#include "linux/nft/tracer.h"

#include <gtest/gtest.h>
#include <netinet/in.h>

namespace wherry::linux::nft {
namespace {

base::IpAddress ip(const char* text) { return *base::IpAddress::parse(text); }

Table filterTable(std::vector<Rule> rules, HookPoint point = HookPoint::kPrerouting) {
  Chain chain{.name = "c", .hook = Hook{ChainType::kFilter, point, kPriorityFilter}, .rules = std::move(rules)};
  return {.name = "t", .chains = {chain}};
}

Packet packetTo(const char* destination) {
  return {.source = ip("10.244.0.1"), .destination = ip(destination), .destinationPort = 80, .inputInterface = "wh0"};
}

std::string trace(std::vector<Table> tables, const Packet& packet) {
  return Tracer(std::move(tables), {.nodeAddresses = {ip("192.0.2.1")}}).trace(packet).text();
}

const Verdict kDropIt{VerdictKind::kDrop, ""};

Match to(const char* prefix, Match::Operator op = Match::Operator::kEqual) {
  auto parsed = *base::IpPrefix::parse(prefix);
  return {.field = Field::kDestinationAddress,
          .op = op,
          .value = Data().address(parsed.address()),
          .prefixLength = parsed.length()};
}

TEST(Tracer, AcceptsWhatNoRuleMeets) { EXPECT_EQ(trace({filterTable({})}, packetTo("10.96.0.1")), "accept"); }

TEST(Tracer, MatchesAPrefix) {
  Table table = filterTable({{{to("10.96.0.0/12"), kDropIt}}});
  EXPECT_EQ(trace({table}, packetTo("10.111.255.255")), "drop");
  EXPECT_EQ(trace({table}, packetTo("10.112.0.0")), "accept");
}

TEST(Tracer, MatchesEverythingButAPrefix) {
  Table table = filterTable({{{to("10.96.0.0/12", Match::Operator::kNotEqual), kDropIt}}});
  EXPECT_EQ(trace({table}, packetTo("10.96.0.1")), "accept");
  EXPECT_EQ(trace({table}, packetTo("1.1.1.1")), "drop");
}

TEST(Tracer, TakesTheNodesAddressesAndLoopbackForLocal) {
  Table table = filterTable({{{MatchLocal{}, kDropIt}}});
  EXPECT_EQ(trace({table}, packetTo("192.0.2.1")), "drop");
  EXPECT_EQ(trace({table}, packetTo("127.0.0.5")), "drop");
  EXPECT_EQ(trace({table}, packetTo("192.0.2.9")), "accept");
}

TEST(Tracer, ComesBackFromAJumpButNotFromAGoto) {
  Table jumping = filterTable({{{Verdict{VerdictKind::kJump, "sub"}}}, {{kDropIt}}});
  jumping.chains.push_back({.name = "sub"});
  EXPECT_EQ(trace({jumping}, packetTo("10.96.0.1")), "drop");
  Table going = filterTable({{{Verdict{VerdictKind::kGoto, "sub"}}}, {{kDropIt}}});
  going.chains.push_back({.name = "sub"});
  EXPECT_EQ(trace({going}, packetTo("10.96.0.1")), "accept");
}

TEST(Tracer, MeetsInputForTheNodeAndForwardForOthers) {
  Table input = filterTable({{{kDropIt}}}, HookPoint::kInput);
  EXPECT_EQ(trace({input}, packetTo("192.0.2.1")), "drop");
  EXPECT_EQ(trace({input}, packetTo("10.244.0.2")), "accept");
  Table forward = filterTable({{{kDropIt}}}, HookPoint::kForward);
  EXPECT_EQ(trace({forward}, packetTo("192.0.2.1")), "accept");
  EXPECT_EQ(trace({forward}, packetTo("10.244.0.2")), "drop");
}

TEST(Tracer, MeetsOnlyOutputAndPostroutingFromTheNode) {
  Packet packet = packetTo("10.244.0.2");
  packet.inputInterface = "";
  EXPECT_EQ(trace({filterTable({{{kDropIt}}}, HookPoint::kPrerouting)}, packet), "accept");
  EXPECT_EQ(trace({filterTable({{{kDropIt}}}, HookPoint::kOutput)}, packet), "drop");
  EXPECT_EQ(trace({filterTable({{{kDropIt}}}, HookPoint::kPostrouting)}, packet), "drop");
}

TEST(Tracer, RejectsWithWhatTheRuleSays) {
  EXPECT_EQ(trace({filterTable({{{Reject{RejectWith::kTcpReset}}}})}, packetTo("1.1.1.1")), "reject with tcp reset");
  EXPECT_EQ(trace({filterTable({{{Reject{RejectWith::kPortUnreachable}}}})}, packetTo("1.1.1.1")),
            "reject with icmp port-unreachable");
}

}  // namespace
}  // namespace wherry::linux::nft
