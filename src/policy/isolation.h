// Isolation: what NetworkPolicies mean for the pods of one family of addresses, as the content of the table, and what
// of that changes with each change of a policy, a pod or a namespace. Pure; not thread-safe.
//
// Pods that the same policies isolate are one class, which has a chain: its rules name the sets of pods, addresses and
// ports from which, or to which, something is allowed. So the change of a pod is the few elements that lead to its
// chain and have it among others' peers; only what policies newly make of pods is a new chain. See ruleset.h for the
// rest of the table.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "policy/content.h"
#include "policy/network_policy.h"

namespace wherry::policy {

class Isolation {
 public:
  // `ownPods`: the addresses of this node's pods, which are those that are isolated here.
  Isolation(base::IpFamily family, const base::IpPrefix& ownPods);
  Isolation(Isolation&& other) noexcept;
  ~Isolation();

  // By "namespace/name", in place of what was there; nothing: it is gone.
  void setPolicy(const std::string& key, const std::optional<NetworkPolicy>& policy);
  void setPod(const std::string& key, std::optional<PodFacts> pod);
  void setNamespace(const std::string& name, const json::Object* labels);

  // Brings the content up to date with all that; returns what has changed since it was last called.
  ContentChange settle();
  const Content& content() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace wherry::policy
