#include "network/return_path.h"

#include <mutex>
#include <stdexcept>
#include <utility>

#include <linux/netlink.h>
#include <netinet/in.h>

#include "base/log.h"
#include "base/strings.h"
#include "linux/local_delivery.h"
#include "linux/nft/base_chains.h"
#include "linux/nft/batch.h"
#include "linux/nft/table_watch.h"

namespace wherry::network {
namespace {

namespace nft = linux::nft;
using nft::Field;
using nft::Match;

const base::Log kLog("network");

nft::Chain hooked(std::string name, nft::ChainType type, nft::HookPoint point, int priority,
                  std::vector<nft::Rule> rules) {
  return {.name = std::move(name), .hook = nft::Hook{type, point, priority}, .rules = std::move(rules)};
}

Match address(Field field, Match::Operator op, const base::IpPrefix& prefix) {
  return {.field = field, .op = op, .value = nft::Data().address(prefix.address()), .prefixLength = prefix.length()};
}

// After connection tracking, before the packet's way is chosen.
nft::Chain answers(std::string name, nft::ChainType type, nft::HookPoint point, const base::IpPrefix& ownPods) {
  Match isOurs{.field = Field::kConnectionMark, .value = nft::Data().number(linux::kClientAddressMark)};
  auto from = [&](Match::Operator op) { return address(Field::kSourceAddress, op, ownPods); };
  return hooked(
      std::move(name), type, point, nft::kPriorityMangle,
      {{{isOurs, nft::MatchReply{}, from(Match::Operator::kEqual), nft::MarkPacket{linux::kClientAddressMark}}},
       {{isOurs, nft::MatchReply{}, from(Match::Operator::kNotEqual),
         nft::MarkPacket{linux::kClientAddressElsewhereMark}}}});
}

void write(const base::IpPrefix& ownPods) {
  linux::NetlinkSocket routes(NETLINK_ROUTE), rules(NETLINK_NETFILTER);
  linux::deliverMarked(routes, ownPods);
  nft::Batch batch(ownPods.family());
  batch.replaceTable(returnPathTable(ownPods));
  batch.commit(rules);
}

}  // namespace

nft::Table returnPathTable(const base::IpPrefix& ownPods) {
  Match isTcp{.field = Field::kProtocol, .value = nft::Data().protocol(IPPROTO_TCP)};
  Match isOurs{.field = Field::kConnectionMark, .value = nft::Data().number(linux::kClientAddressMark)};
  return {.name = kReturnPathTable,
          .chains = {hooked("output", nft::ChainType::kFilter, nft::HookPoint::kOutput, nft::kPriorityMangle,
                            {{{nft::MatchNew{}, isTcp, nft::MatchForeignSource{},
                               nft::MarkConnection{linux::kClientAddressMark}}}}),
                     answers("answers_prerouting", nft::ChainType::kFilter, nft::HookPoint::kPrerouting, ownPods),
                     answers("answers_output", nft::ChainType::kRoute, nft::HookPoint::kOutput, ownPods),
                     hooked("postrouting", nft::ChainType::kNat, nft::HookPoint::kPostrouting, nft::kPrioritySourceNat,
                            {{{isOurs, address(Field::kDestinationAddress, Match::Operator::kNotEqual, ownPods),
                               nft::MasqueradeSource{}}}})},
          .family = ownPods.family()};
}

struct ReturnPath::State {
  std::vector<base::IpPrefix> podCidrs;
  std::mutex lock;  // of what follows, and of the tables
  bool isOpen = false;
  struct Watches {
    std::vector<std::unique_ptr<nft::TableWatch>> tables;
    std::unique_ptr<linux::DeliveryWatch> rules;
  };
  Watches watches;

  void watch() {
    for (const base::IpPrefix& prefix : podCidrs) {
      watches.tables.push_back(std::make_unique<nft::TableWatch>(
          kReturnPathTable, [this] { repair(); }, prefix.family()));
    }
    watches.rules = std::make_unique<linux::DeliveryWatch>([this] { repair(); });
  }

  void repair() {
    std::lock_guard guard(lock);
    if (!isOpen) return;
    kLog.warn("somebody removed table {} or its rules of policy routing, or changed them; writing them anew",
              kReturnPathTable);
    try {
      for (const base::IpPrefix& prefix : podCidrs) write(prefix);
    } catch (const std::exception& error) {
      kLog.error("pods that shall see their clients' addresses can't be reached: {}", error.what());
    }
  }
};

ReturnPath::ReturnPath(const std::string& podCidr) : state_(std::make_unique<State>()) {
  for (std::string_view text : base::split(podCidr, ',')) {
    auto prefix = base::IpPrefix::parse(text);
    if (!prefix) throw std::invalid_argument("not a CIDR: \"" + std::string(text) + "\"");
    state_->podCidrs.push_back(*prefix);
  }
}

ReturnPath::~ReturnPath() = default;

void ReturnPath::open() {
  std::lock_guard guard(state_->lock);
  for (const base::IpPrefix& prefix : state_->podCidrs) write(prefix);
  if (!std::exchange(state_->isOpen, true)) state_->watch();
}

void ReturnPath::close() {
  State::Watches ending;  // they may be waiting for the lock
  {
    std::lock_guard guard(state_->lock);
    state_->isOpen = false;
    ending = std::exchange(state_->watches, {});
    removeReturnPath();
  }
}

void removeReturnPath() {
  linux::NetlinkSocket routes(NETLINK_ROUTE), rules(NETLINK_NETFILTER);
  for (base::IpFamily family : base::kIpFamilies) {
    if (nft::tableExists(rules, kReturnPathTable, family)) {
      nft::Batch batch(family);
      batch.removeTableIfAny(kReturnPathTable);
      batch.commit(rules);
    }
    linux::stopDeliveringMarked(routes, family);
  }
}

}  // namespace wherry::network
