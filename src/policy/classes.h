// Classes: the chains of pods that the same policies isolate in one direction. Pure; not thread-safe.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "policy/content.h"
#include "policy/peers.h"

namespace wherry::policy {

// A policy, with the terms of its rules' peers: those whose ports are numbers, and those that have them by name.
struct HeldPolicy {
  NetworkPolicy policy;
  struct Terms {
    std::vector<Term> plain, named;
  };
  std::map<Direction, std::vector<Terms>> terms;  // by rule
};
using HeldPolicies = std::map<uint32_t, HeldPolicy>;  // by a number that no other version of one has

// What decides of a class. `names`: what the ports that the rules have by name are on its pods.
struct ClassKey {
  Direction direction;
  std::vector<uint32_t> policies;
  NamedPorts names;
  auto operator<=>(const ClassKey&) const = default;
};

class Classes {
 public:
  Classes(const HeldPolicies& policies, Content& content, Numbers& numbers, base::IpFamily family)
      : policies_(policies), content_(content), numbers_(numbers), family_(family) {}

  // The chain of the class, once more.
  std::string use(const ClassKey& key);
  void drop(const std::string& chain);

 private:
  struct Class {
    ClassKey key;
    size_t users = 0;
    std::string blocks;  // its set of addresses and ports; "": none
    std::vector<PortSet> ports;
  };
  struct Ports {
    std::string set;
    size_t users = 0;
  };
  linux::nft::Chain build(const std::string& name, Class& to);
  linux::nft::Rule allowBlocks(const std::string& chain, Class& to,
                               const std::vector<std::pair<IpBlock, PortSet>>& blocks, linux::nft::Field peer);
  std::string usePorts(const PortSet& ports);
  void dropPorts(const PortSet& ports);

  const HeldPolicies& policies_;
  Content& content_;
  Numbers& numbers_;
  const base::IpFamily family_;
  std::map<ClassKey, std::string> byKey_;
  std::map<std::string, Class> classes_;  // by chain
  std::map<PortSet, Ports> ports_;
};

// Calls f(rule, index) for each rule that the policy has of this direction.
template <typename F>
void forEachRule(const NetworkPolicy& policy, Direction direction, F f) {
  const auto& rules = policy.rules(direction);
  for (size_t i = 0; rules && i < rules->size(); ++i) f((*rules)[i], i);
}

}  // namespace wherry::policy
