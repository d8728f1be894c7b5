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

// That a pod has an address. Two may say so: one that ends can be slow to say that its address is free, and another
// have it by then. It is judged as the one that has it now, and nothing is left of the other.
struct Claim {
  bool ending;
  uint64_t since;  // grows with each claim
  bool isBetterThan(const Claim& other) const { return ending != other.ending ? other.ending : since > other.since; }
};

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
  void claim(const std::string& key, const PodFacts* before, const PodFacts* after);
  const std::string* ownerOf(const base::IpAddress& address) const;
  void place(const std::set<std::string>& keys);
  Placement placementOf(const std::string& key, const PodFacts& pod);
  std::string useClass(Direction direction, const PodFacts& pod);
  void show(const Placement& placement);
  void hide(const Placement& placement);

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
  std::map<base::IpAddress, std::map<std::string, Claim>> claims;
  uint64_t nextClaim = 1;
  std::set<std::string> unsettled;  // pods
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
        if (peer.within && peer.within->cidr.family() != family) continue;
        bool anyNumber = isIngress || (!rule.ports.ranges().empty() && !peer.within);
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

const std::string* Isolation::State::ownerOf(const base::IpAddress& address) const {
  auto found = claims.find(address);
  if (found == claims.end()) return nullptr;
  auto worse = [](const auto& a, const auto& b) { return b.second.isBetterThan(a.second); };
  return &std::max_element(found->second.begin(), found->second.end(), worse)->first;
}

// Whose addresses are another's after that, is looked at again.
void Isolation::State::claim(const std::string& key, const PodFacts* before, const PodFacts* after) {
  std::set<base::IpAddress> all;
  for (const PodFacts* facts : {before, after}) {
    if (facts) all.insert(facts->addresses.begin(), facts->addresses.end());
  }
  for (const base::IpAddress& address : all) {
    if (const std::string* owner = ownerOf(address)) unsettled.insert(*owner);
    auto& claimants = claims[address];
    if (!after || std::find(after->addresses.begin(), after->addresses.end(), address) == after->addresses.end()) {
      claimants.erase(key);
      if (claimants.empty()) claims.erase(address);
    } else {
      auto [known, isNew] = claimants.try_emplace(key);
      known->second = {after->ending, isNew ? nextClaim++ : known->second.since};
    }
    if (const std::string* owner = ownerOf(address)) unsettled.insert(*owner);
  }
}

Placement Isolation::State::placementOf(const std::string& key, const PodFacts& pod) {
  Placement placement;
  std::copy_if(pod.addresses.begin(), pod.addresses.end(), std::back_inserter(placement.addresses),
               [&](const base::IpAddress& address) { return address.family() == family && *ownerOf(address) == key; });
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

void Isolation::State::hide(const Placement& placement) {
  for (const auto& [set, elements] : placement.elements) {
    for (const Data& element : elements) content.erase(set, element);
  }
  for (const base::IpAddress& address : placement.addresses) {
    for (const auto& [direction, chain] : placement.chains) content.forget(mapOf(direction), Data().address(address));
  }
}

void Isolation::State::show(const Placement& placement) {
  for (const auto& [set, elements] : placement.elements) {
    for (const Data& element : elements) content.put(set, element);
  }
  for (const base::IpAddress& address : placement.addresses) {
    for (const auto& [direction, chain] : placement.chains) {
      content.decide(mapOf(direction), Data().address(address),
                     chain.empty() ? kOpen : nft::Verdict{nft::VerdictKind::kGoto, chain});
    }
  }
}

// First everything goes, since addresses may pass from one to another. The new chains are used before the old ones are
// dropped, so that what stays the same stays.
void Isolation::State::place(const std::set<std::string>& keys) {
  std::vector<Placement> before;
  for (const std::string& key : keys) {
    auto placed = placements.extract(key);
    if (placed.empty()) continue;
    hide(placed.mapped());
    before.push_back(std::move(placed.mapped()));
  }
  for (const std::string& key : keys) {
    auto pod = pods.all.find(key);
    if (pod == pods.all.end()) continue;
    Placement next = placementOf(key, pod->second);
    if (next.addresses.empty()) continue;
    show(next);
    placements.emplace(key, std::move(next));
  }
  for (const Placement& placement : before) {
    for (const auto& [direction, chain] : placement.chains) {
      if (!chain.empty()) classes.drop(chain);
    }
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
  state_->claim(key, known == pods.all.end() ? nullptr : &known->second, pod ? &*pod : nullptr);
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
  state_->place(std::exchange(state_->unsettled, {}));
  return state_->content.takeChange();
}

const Content& Isolation::content() const { return state_->content; }

}  // namespace wherry::policy
