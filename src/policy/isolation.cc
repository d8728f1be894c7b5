#include "policy/isolation.h"

#include <algorithm>
#include <array>
#include <utility>

#include "policy/classes.h"
#include "policy/peers.h"

namespace wherry::policy {
namespace {

namespace nft = linux::nft;

constexpr std::array kDirections = {Direction::kIngress, Direction::kEgress};
const char* mapOf(Direction direction) { return direction == Direction::kIngress ? kIngressMap : kEgressMap; }

const nft::Verdict kOpen{nft::VerdictKind::kReturn, ""};

// Where a pod is in the table.
struct Placement {
  std::vector<base::IpAddress> addresses;
  std::map<std::string, std::vector<Data>> elements;  // by set
  std::map<Direction, std::string> chains;            // of a pod of this node; "": not isolated
};

}  // namespace

struct Isolation::State {
  State(base::IpFamily f, const base::IpPrefix& own) : family(f), ownPods(own) {
    const nft::FieldType address = nft::addressType(family);
    content.addSet({.name = kItselfSet, .type = {address, address}});
  }

  uint32_t add(const NetworkPolicy& policy);
  void remove(uint32_t number);
  void mark(const NetworkPolicy& policy);
  void place(const std::string& key);
  Placement placementOf(const PodFacts& pod);
  std::string useClass(Direction direction, const PodFacts& pod);
  void show(const std::string& key, const Placement& placement);
  void hide(const std::string& key, const Placement& placement);

  const base::IpFamily family;
  const base::IpPrefix ownPods;
  Content content;
  Numbers numbers;
  Pods pods;
  Peers peers{pods, content, numbers, family};
  HeldPolicies policies;
  Classes classes{policies, content, numbers, family};
  std::map<std::string, uint32_t> policyNumbers;
  std::map<std::string, std::set<uint32_t>> policiesOf;  // by namespace
  std::map<std::string, Placement> placements;
  std::map<base::IpAddress, std::set<std::string>> claims;  // an address may have two pods while one of them ends
  std::set<std::string> unsettled;                          // pods
};

// Those that it isolates.
void Isolation::State::mark(const NetworkPolicy& policy) {
  auto own = pods.byNamespace.find(policy.ns);
  if (own == pods.byNamespace.end()) return;
  for (const std::string& key : own->second) {
    if (policy.pods.matches(pods.all.at(key).labels())) unsettled.insert(key);
  }
}

uint32_t Isolation::State::add(const NetworkPolicy& policy) {
  uint32_t number = numbers.next();
  HeldPolicy& held = policies[number];
  held.policy = policy;
  for (Direction direction : kDirections) {
    forEachRule(policy, direction, [&](const PolicyRule& rule, size_t) {
      bool isIngress = direction == Direction::kIngress;
      HeldPolicy::Terms& terms = held.terms[direction].emplace_back();
      for (const PeerSelector& peer : rule.peers) {
        bool anyNumber = isIngress || !rule.ports.ranges().empty();
        bool anyName = !isIngress && !rule.ports.names().empty();
        if (anyNumber) terms.plain.push_back(peers.use(peer, {}, unsettled));
        if (anyName) terms.named.push_back(peers.use(peer, rule.ports.names(), unsettled));
      }
    });
  }
  policiesOf[policy.ns].insert(number);
  mark(policy);
  return number;
}

void Isolation::State::remove(uint32_t number) {
  auto gone = policies.extract(number);
  const HeldPolicy& held = gone.mapped();
  for (const auto& [direction, rules] : held.terms) {
    for (const HeldPolicy::Terms& terms : rules) {
      for (Term term : terms.plain) peers.drop(term, unsettled);
      for (Term term : terms.named) peers.drop(term, unsettled);
    }
  }
  auto inNamespace = policiesOf.find(held.policy.ns);
  inNamespace->second.erase(number);
  if (inNamespace->second.empty()) policiesOf.erase(inNamespace);
  mark(held.policy);
}

std::string Isolation::State::useClass(Direction direction, const PodFacts& pod) {
  ClassKey key{direction, {}, {}};
  auto own = policiesOf.find(pod.ns);
  if (own == policiesOf.end()) return "";
  for (uint32_t number : own->second) {
    const NetworkPolicy& policy = policies.at(number).policy;
    if (!policy.rules(direction) || !policy.pods.matches(pod.labels())) continue;
    key.policies.push_back(number);
    if (direction == Direction::kEgress) continue;
    forEachRule(policy, direction, [&](const PolicyRule& rule, size_t) {
      for (const PortName& name : rule.ports.names()) {
        if (auto found = pod.ports.find(name); found != pod.ports.end()) key.names.insert(*found);
      }
    });
  }
  return key.policies.empty() ? "" : classes.use(key);
}

Placement Isolation::State::placementOf(const PodFacts& pod) {
  Placement placement;
  std::copy_if(pod.addresses.begin(), pod.addresses.end(), std::back_inserter(placement.addresses),
               [&](const base::IpAddress& address) { return address.family() == family; });
  if (placement.addresses.empty()) return placement;
  for (Term term : peers.termsOf(pod)) {
    for (const base::IpAddress& address : placement.addresses) {
      for (Data& element : peers.elementsOf(term, pod, address)) {
        placement.elements[Peers::setOf(term)].push_back(std::move(element));
      }
    }
  }
  if (!ownPods.contains(placement.addresses.front())) return placement;
  bool isolated = false;
  for (Direction direction : kDirections) {
    const std::string& chain = placement.chains[direction] = useClass(direction, pod);
    isolated = isolated || !chain.empty();
  }
  for (const base::IpAddress& address : placement.addresses) {
    if (isolated) placement.elements[kItselfSet].push_back(Data().address(address).address(address));
  }
  return placement;
}

void Isolation::State::hide(const std::string& key, const Placement& placement) {
  for (const auto& [set, elements] : placement.elements) {
    for (const Data& element : elements) content.erase(set, element);
  }
  for (const base::IpAddress& address : placement.addresses) {
    auto claim = claims.find(address);
    claim->second.erase(key);
    if (claim->second.empty()) claims.erase(claim);
    for (const auto& [direction, chain] : placement.chains) content.forget(mapOf(direction), Data().address(address));
  }
}

void Isolation::State::show(const std::string& key, const Placement& placement) {
  for (const auto& [set, elements] : placement.elements) {
    for (const Data& element : elements) content.put(set, element);
  }
  for (const base::IpAddress& address : placement.addresses) {
    claims[address].insert(key);
    for (const auto& [direction, chain] : placement.chains) {
      content.decide(mapOf(direction), Data().address(address),
                     chain.empty() ? kOpen : nft::Verdict{nft::VerdictKind::kGoto, chain});
    }
  }
}

// The new chains are used before the old ones are dropped, so that what stays the same stays.
void Isolation::State::place(const std::string& key) {
  auto pod = pods.all.find(key);
  Placement next = pod == pods.all.end() ? Placement() : placementOf(pod->second);
  Placement before = std::exchange(placements[key], {});
  hide(key, before);
  show(key, next);
  for (const auto& [direction, chain] : before.chains) {
    if (!chain.empty()) classes.drop(chain);
  }
  for (const base::IpAddress& address : before.addresses) {
    auto others = claims.find(address);
    if (others == claims.end() || others->second.contains(key)) continue;
    unsettled.insert(others->second.begin(), others->second.end());
  }
  if (next.addresses.empty()) {
    placements.erase(key);
  } else {
    placements[key] = std::move(next);
  }
}

Isolation::Isolation(base::IpFamily family, const base::IpPrefix& ownPods)
    : state_(std::make_unique<State>(family, ownPods)) {}
Isolation::Isolation(Isolation&&) noexcept = default;
Isolation::~Isolation() = default;

void Isolation::setPolicy(const std::string& key, const std::optional<NetworkPolicy>& policy) {
  auto before = state_->policyNumbers.find(key);
  uint32_t gone = before == state_->policyNumbers.end() ? 0 : before->second;
  // The new one first: terms that both have stay.
  if (policy) {
    state_->policyNumbers[key] = state_->add(*policy);
  } else {
    state_->policyNumbers.erase(key);
  }
  if (gone != 0) state_->remove(gone);
}

void Isolation::setPod(const std::string& key, std::optional<PodFacts> pod) {
  Pods& pods = state_->pods;
  auto known = pods.all.find(key);
  if (pod && pod->addresses.empty()) pod.reset();
  if (known == pods.all.end() && !pod) return;
  if (known != pods.all.end() && pod && sameFacts(known->second, *pod)) {
    known->second.object = std::move(pod->object);
    return;
  }
  state_->unsettled.insert(key);
  if (pod) {
    pods.byNamespace[pod->ns].insert(key);
    pods.all.insert_or_assign(key, std::move(*pod));
    return;
  }
  auto ns = pods.byNamespace.find(known->second.ns);
  ns->second.erase(key);
  if (ns->second.empty()) pods.byNamespace.erase(ns);
  pods.all.erase(known);
}

void Isolation::setNamespace(const std::string& name, const json::Object* labels) {
  if (labels) {
    state_->peers.setNamespace(name, *labels, state_->unsettled);
  } else {
    state_->peers.removeNamespace(name, state_->unsettled);
  }
}

ContentChange Isolation::settle() {
  while (!state_->unsettled.empty()) {
    for (const std::string& key : std::exchange(state_->unsettled, {})) state_->place(key);
  }
  return state_->content.takeChange();
}

const Content& Isolation::content() const { return state_->content; }

}  // namespace wherry::policy
