#include "policy/content.h"

#include <algorithm>
#include <utility>

namespace wherry::policy {

namespace nft = linux::nft;

void Content::addSet(nft::Set set) {
  newSets_.insert(set.name);
  std::string name = set.name;
  sets_.emplace(std::move(name), std::move(set));
}

void Content::removeSet(const std::string& name) {
  sets_.erase(name);
  if (newSets_.erase(name) == 0) goneSets_.push_back(name);
}

void Content::addChain(nft::Chain chain) {
  newChains_.insert(chain.name);
  std::string name = chain.name;
  chains_.emplace(std::move(name), std::move(chain));
}

void Content::removeChain(const std::string& name) {
  chains_.erase(name);
  if (newChains_.erase(name) == 0) goneChains_.push_back(name);
}

void Content::put(const std::string& set, const Data& key) {
  auto found = sets_.find(set);
  if (found == sets_.end() || !found->second.elements.insert(key).second) return;
  elements_.note({set, key}, std::nullopt, Data());
}

void Content::erase(const std::string& set, const Data& key) {
  auto found = sets_.find(set);
  if (found == sets_.end() || found->second.elements.erase(key) == 0) return;
  elements_.note({set, key}, Data(), std::nullopt);
}

void Content::note(const std::string& map, const Data& key, std::optional<nft::Verdict> after) {
  auto& elements = verdicts_[map];
  auto found = elements.find(key);
  auto [change, isNew] = decisions_.try_emplace({map, key});
  if (isNew && found != elements.end()) change->second.before = found->second;
  change->second.after = std::move(after);
}

void Content::decide(const std::string& map, const Data& key, const nft::Verdict& verdict) {
  note(map, key, verdict);
  verdicts_[map].insert_or_assign(key, verdict);
}

void Content::forget(const std::string& map, const Data& key) {
  note(map, key, std::nullopt);
  verdicts_[map].erase(key);
}

ContentChange Content::takeChange() {
  ContentChange change;
  for (const std::string& name : newSets_) change.newSets.push_back(sets_.at(name));
  for (const std::string& name : newChains_) change.newChains.push_back(chains_.at(name));
  change.elements = std::exchange(elements_, nft::ElementChanges()).elements();
  std::erase_if(change.elements, [&](const auto& element) {
    return newSets_.contains(element.first.set) || !sets_.contains(element.first.set);
  });
  change.decisions = std::exchange(decisions_, {});
  std::erase_if(change.decisions, [](const auto& each) { return each.second.before == each.second.after; });
  change.goneSets = std::exchange(goneSets_, {});
  change.goneChains = std::exchange(goneChains_, {});
  newSets_.clear();
  newChains_.clear();
  return change;
}

}  // namespace wherry::policy
