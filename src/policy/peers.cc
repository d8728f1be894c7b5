#include "policy/peers.h"

#include <fmt/format.h>

namespace wherry::policy {
namespace {

namespace nft = linux::nft;

// Equal for equal ones.
std::string textOf(const PeerSelector& selector, const std::set<PortName>& names) {
  std::string text = selector.text();
  for (const PortName& name : names) text += fmt::format("\n{} {}", name.protocol, name.name);
  return text;
}

}  // namespace

Peers::Namespace& Peers::find(const std::string& name) {
  auto [at, isNew] = namespaces_.try_emplace(name);
  if (!isNew) return at->second;
  for (Term term : ofSelectedNamespaces_) {
    if (terms_.at(term).selector.namespaces->matches(at->second.labels)) at->second.selecting.insert(term);
  }
  return at->second;
}

void Peers::noteMeant(const Known& known, Term term, std::set<std::string>& meant) {
  auto look = [&](const std::set<std::string>& keys) {
    for (const std::string& key : keys) {
      if (known.selector.pods.matches(pods_.all.at(key).labels())) meant.insert(key);
    }
  };
  if (!known.selector.namespaces) {
    auto own = pods_.byNamespace.find(known.selector.ns);
    if (own != pods_.byNamespace.end()) look(own->second);
    return;
  }
  for (const auto& [ns, keys] : pods_.byNamespace) {
    if (find(ns).selecting.contains(term)) look(keys);
  }
}

Term Peers::use(const PeerSelector& selector, const std::set<PortName>& names, std::set<std::string>& meant) {
  auto [at, isNew] = byText_.try_emplace(textOf(selector, names));
  if (!isNew) {
    ++terms_.at(at->second).users;
    return at->second;
  }
  Term number = at->second = numbers_.next();
  Known& known = terms_[number];
  known = {.selector = selector, .names = names, .users = 1};
  nft::Type type = {nft::addressType(family_)};
  if (!names.empty()) type.insert(type.end(), {nft::FieldType::kProtocol, nft::FieldType::kPort});
  content_.addSet({.name = setOf(number), .type = std::move(type)});
  if (!selector.namespaces) {
    ofOneNamespace_[selector.ns].insert(number);
  } else {
    for (auto& [name, ns] : namespaces_) {
      if (selector.namespaces->matches(ns.labels)) ns.selecting.insert(number);
    }
    ofSelectedNamespaces_.insert(number);
  }
  noteMeant(known, number, meant);
  return number;
}

std::string Peers::setOf(Term term) { return fmt::format("peers{}", term); }

std::vector<Data> Peers::elementsOf(Term term, const PodFacts& pod, const base::IpAddress& address) const {
  auto known = terms_.find(term);
  if (known == terms_.end()) return {};
  const auto& within = known->second.selector.within;
  if (within && !within->contains(address)) return {};
  if (known->second.names.empty()) return {Data().address(address)};
  std::vector<Data> elements;
  for (const PortName& name : known->second.names) {
    auto ports = pod.ports.find(name);
    if (ports == pod.ports.end()) continue;
    for (uint16_t port : ports->second) elements.push_back(Data().address(address).protocol(name.protocol).port(port));
  }
  return elements;
}

void Peers::drop(Term number, std::set<std::string>& meant) {
  auto found = terms_.find(number);
  if (--found->second.users > 0) return;
  const PeerSelector& selector = found->second.selector;
  noteMeant(found->second, number, meant);
  if (!selector.namespaces) {
    auto own = ofOneNamespace_.find(selector.ns);
    own->second.erase(number);
    if (own->second.empty()) ofOneNamespace_.erase(own);
  }
  ofSelectedNamespaces_.erase(number);
  for (auto& [name, ns] : namespaces_) ns.selecting.erase(number);
  byText_.erase(textOf(selector, found->second.names));
  terms_.erase(found);
  content_.removeSet(setOf(number));
}

void Peers::setNamespace(const std::string& name, const json::Object& labels, std::set<std::string>& meant) {
  Namespace& ns = find(name);
  if (ns.labels == labels) return;
  ns.labels = labels;
  ns.selecting.clear();
  for (Term term : ofSelectedNamespaces_) {
    if (terms_.at(term).selector.namespaces->matches(labels)) ns.selecting.insert(term);
  }
  auto pods = pods_.byNamespace.find(name);
  if (pods != pods_.byNamespace.end()) meant.insert(pods->second.begin(), pods->second.end());
}

void Peers::removeNamespace(const std::string& name, std::set<std::string>& meant) {
  setNamespace(name, {}, meant);
  if (!pods_.byNamespace.contains(name)) namespaces_.erase(name);
}

std::vector<Term> Peers::termsOf(const PodFacts& pod) {
  std::vector<Term> terms;
  auto look = [&](const std::set<Term>& candidates) {
    for (Term term : candidates) {
      if (terms_.at(term).selector.pods.matches(pod.labels())) terms.push_back(term);
    }
  };
  auto own = ofOneNamespace_.find(pod.ns);
  if (own != ofOneNamespace_.end()) look(own->second);
  look(find(pod.ns).selecting);
  return terms;
}

}  // namespace wherry::policy
