// Content: the sets, chains and maps of verdicts that pods and policies bring into the table, and what of them has
// changed since it was last asked for. Pure; not thread-safe.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "linux/nft/element_changes.h"

namespace wherry::policy {

using linux::nft::Data;

// Of this node's pods, by their address: how traffic to them, and from them, is judged.
inline constexpr const char* kIngressMap = "ingress";
inline constexpr const char* kEgressMap = "egress";
inline constexpr const char* kItselfSet = "itself";  // the addresses of those that are isolated, twice

// What one step of transactions has to change. A name never comes again.
struct ContentChange {
  std::vector<linux::nft::Set> newSets;  // with their elements
  std::vector<linux::nft::Chain> newChains;
  std::vector<std::pair<linux::nft::Element, linux::nft::ElementChanges::Change>> elements;
  struct Decision {
    std::optional<linux::nft::Verdict> before, after;
  };
  std::map<linux::nft::Element, Decision> decisions;  // elements of the maps
  std::vector<std::string> goneChains, goneSets;
};

class Content {
 public:
  void addSet(linux::nft::Set set);
  void removeSet(const std::string& name);
  void addChain(linux::nft::Chain chain);
  void removeChain(const std::string& name);
  // Of a set; one that is not there, or not any more, has no elements.
  void put(const std::string& set, const Data& key);
  void erase(const std::string& set, const Data& key);
  void decide(const std::string& map, const Data& key, const linux::nft::Verdict& verdict);
  void forget(const std::string& map, const Data& key);

  ContentChange takeChange();

  using Verdicts = std::map<std::string, std::map<Data, linux::nft::Verdict>>;
  const std::map<std::string, linux::nft::Set>& sets() const { return sets_; }
  const std::map<std::string, linux::nft::Chain>& chains() const { return chains_; }
  const Verdicts& verdicts() const { return verdicts_; }

 private:
  void note(const std::string& map, const Data& key, std::optional<linux::nft::Verdict> after);

  std::map<std::string, linux::nft::Set> sets_;
  std::map<std::string, linux::nft::Chain> chains_;
  Verdicts verdicts_;

  std::set<std::string> newSets_, newChains_;
  std::vector<std::string> goneSets_, goneChains_;
  linux::nft::ElementChanges elements_;
  std::map<linux::nft::Element, ContentChange::Decision> decisions_;
};

// Numbers for names.
class Numbers {
 public:
  uint32_t next() { return next_++; }

 private:
  uint32_t next_ = 1;
};

}  // namespace wherry::policy
