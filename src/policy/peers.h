// Peers: the sets of the table that hold the pods that selectors of rules mean. Selectors that are written alike are
// one, a term, for as long as a policy has it; namespaces are looked at once each. Pure; not thread-safe.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "policy/content.h"
#include "policy/network_policy.h"

namespace wherry::policy {

struct Pods {
  std::map<std::string, PodFacts> all;                            // by "namespace/name"
  std::map<std::string, std::set<std::string>> byNamespace = {};  // the same keys
};

using Term = uint32_t;

class Peers {
 public:
  Peers(const Pods& pods, Content& content, Numbers& numbers, base::IpFamily family)
      : pods_(pods), content_(content), numbers_(numbers), family_(family) {}

  // The term of this selector, once more. With names its set holds the pods' ports of these names, without any their
  // addresses. `meant` gets the pods that belong into the set and are not in it yet, or no more into it.
  Term use(const PeerSelector& selector, const std::set<PortName>& names, std::set<std::string>& meant);
  void drop(Term term, std::set<std::string>& meant);
  void setNamespace(const std::string& name, const json::Object& labels, std::set<std::string>& meant);
  void removeNamespace(const std::string& name, std::set<std::string>& meant);

  std::vector<Term> termsOf(const PodFacts& pod);
  static std::string setOf(Term term);
  // What a pod with this address has in the set of the term.
  std::vector<Data> elementsOf(Term term, const PodFacts& pod, const base::IpAddress& address) const;

 private:
  struct Known {
    PeerSelector selector;
    std::set<PortName> names;
    size_t users = 0;
  };
  struct Namespace {
    json::Object labels;
    std::set<Term> selecting;  // those with a namespaceSelector that means it
  };
  Namespace& find(const std::string& name);
  void noteMeant(const Known& known, Term term, std::set<std::string>& meant);

  const Pods& pods_;
  Content& content_;
  Numbers& numbers_;
  const base::IpFamily family_;
  std::map<Term, Known> terms_;
  std::map<std::string, Term> byText_;
  std::map<std::string, std::set<Term>> ofOneNamespace_;
  std::set<Term> ofSelectedNamespaces_;
  std::map<std::string, Namespace> namespaces_;
};

}  // namespace wherry::policy
