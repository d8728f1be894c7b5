#include "policy/ruleset.h"

#include <netinet/in.h>

#include "linux/local_delivery.h"

namespace wherry::policy {
namespace {

namespace nft = linux::nft;
using nft::Field;
using nft::FieldType;
using nft::MatchSet;
using nft::Rule;

// After the proxy's refusals of what leads nowhere.
constexpr int kPriority = nft::kPriorityFilter + 10;
// Of everything: see refuseChain().
constexpr const char* kWrittenSet = "written";

const nft::Verdict kReturn{nft::VerdictKind::kReturn, ""};
const nft::Verdict kDrop{nft::VerdictKind::kDrop, ""};
nft::Verdict jump(std::string chain) { return {nft::VerdictKind::kJump, std::move(chain)}; }

nft::Match notIn(Field field, const base::IpPrefix& prefix) {
  return {.field = field,
          .op = nft::Match::Operator::kNotEqual,
          .value = Data().address(prefix.address()),
          .prefixLength = prefix.length()};
}

// A direction: where its pod is, as connection tracking has it and in a packet that belongs to no connection.
struct Judged {
  const char* chain;
  const char* strayChain;
  const char* map;
  Field pod;
  Field podOfPacket;
};
constexpr Judged kJudged[] = {
    {"ingress", "ingress_stray", kIngressMap, Field::kReplySource, Field::kDestinationAddress},
    {"egress", "egress_stray", kEgressMap, Field::kOriginalSource, Field::kSourceAddress}};

nft::Chain judgingChain(std::string name, Field pod, const char* map, const base::IpPrefix& ownPods) {
  return {.name = std::move(name),
          .rules = {{{notIn(pod, ownPods), kReturn}}, {{nft::DecideBy{{pod}, map}}}, {{kDrop}}}};
}

// While a transaction takes effect, sets of ranges are the last to: nobody who meets the table before is told that he
// may not. This set is the last of all.
nft::Chain refuseChain() {
  nft::Match isNotTcp{
      .field = Field::kProtocol, .op = nft::Match::Operator::kNotEqual, .value = Data().protocol(IPPROTO_TCP)};
  MatchSet isWritten{{Field::kOriginalSource, Field::kConnectionProtocol}, kWrittenSet};
  return {.name = "refuse",
          .rules = {{{nft::MatchNew{}, isWritten, nft::MatchOpening{}, nft::Reject{nft::RejectWith::kTcpReset}}},
                    {{nft::MatchNew{}, isWritten, isNotTcp, nft::Reject{nft::RejectWith::kPortUnreachable}}},
                    {{kDrop}}}};
}

nft::Chain forwardChain() {
  std::vector<Rule> rules;
  for (const Judged& judged : kJudged) rules.push_back({{nft::MatchInvalid{}, jump(judged.strayChain)}});
  rules.push_back({{nft::MatchInvalid{}, nft::Verdict{nft::VerdictKind::kAccept, ""}}});
  // No pod is cut off from itself.
  rules.push_back({{MatchSet{{Field::kOriginalSource, Field::kReplySource}, kItselfSet},
                    nft::Verdict{nft::VerdictKind::kAccept, ""}}});
  for (const Judged& judged : kJudged) rules.push_back({{jump(judged.chain)}});
  return {.name = "forward",
          .hook = nft::Hook{nft::ChainType::kFilter, nft::HookPoint::kForward, kPriority},
          .rules = std::move(rules)};
}

// What the node refuses it with comes by here as well.
nft::Chain outputChain() {
  nft::Match ofClient{.field = Field::kConnectionMark, .value = Data().number(linux::kClientAddressMark)};
  return {.name = "output",
          .hook = nft::Hook{nft::ChainType::kFilter, nft::HookPoint::kOutput, kPriority},
          .rules = {{{ofClient, nft::MatchReply{}, kReturn}}, {{ofClient, jump(kJudged[0].chain)}}}};
}

nft::Set writtenSet(base::IpFamily family) {
  base::IpPrefix all = base::IpPrefix::all(family);
  nft::Set set{.name = kWrittenSet, .type = {nft::addressType(family), FieldType::kProtocol}};
  set.ranges.emplace();
  set.ranges->emplace(Data().address(all.address()).protocol(0), Data().address(all.last()).protocol(UINT8_MAX));
  return set;
}

}  // namespace

nft::Table wholeTable(const Content& content, const base::IpPrefix& ownPods) {
  const base::IpFamily family = ownPods.family();
  nft::Table table{.name = kTable, .family = family};
  for (const auto& [name, set] : content.sets()) table.sets.push_back(set);
  table.sets.push_back(writtenSet(family));
  for (const Judged& judged : kJudged) {
    auto found = content.verdicts().find(judged.map);
    nft::VerdictMap& map = table.verdictMaps.emplace_back(
        nft::VerdictMap{.name = judged.map, .type = {nft::addressType(family)}, .elements = {}});
    if (found != content.verdicts().end()) map.elements = found->second;
  }
  table.chains = {refuseChain()};
  for (const auto& [name, chain] : content.chains()) table.chains.push_back(chain);
  for (const Judged& judged : kJudged) {
    table.chains.push_back(judgingChain(judged.chain, judged.pod, judged.map, ownPods));
    table.chains.push_back(judgingChain(judged.strayChain, judged.podOfPacket, judged.map, ownPods));
  }
  table.chains.push_back(forwardChain());
  table.chains.push_back(outputChain());
  return table;
}

void addWholeTable(nft::Batch& batch, const Content& content, const base::IpPrefix& ownPods) {
  batch.replaceTable(wholeTable(content, ownPods));
}

Steps stepsOf(const ContentChange& change, base::IpFamily family) {
  Steps steps(family);
  for (const nft::Set& set : change.newSets) {
    steps.comes.addSet(kTable, set);
    steps.comes.addElements(kTable, set);
  }
  for (const nft::Chain& chain : change.newChains) {
    steps.comes.addChain(kTable, chain);
    steps.comes.addRules(kTable, chain);
  }
  nft::addChanges(steps.leads, kTable, change.elements);
  for (const auto& [element, decision] : change.decisions) {
    if (decision.before) steps.leads.deleteElement(kTable, element.set, element.key);
  }
  for (const auto& [element, decision] : change.decisions) {
    if (decision.after) steps.leads.addElement(kTable, element.set, element.key, *decision.after);
  }
  for (const std::string& chain : change.goneChains) steps.goes.deleteChain(kTable, chain);
  for (const std::string& set : change.goneSets) steps.goes.deleteSet(kTable, set);
  return steps;
}

}  // namespace wherry::policy
