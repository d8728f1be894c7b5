// BackendTLSPolicies: which Services are spoken to by TLS, and by what their pods are known. Pure.
//
// A policy of a port comes before one of the whole Service; of several for the same the oldest holds, whatever it says:
// what it can't have here is refused, and never sent without TLS.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <vector>

#include "ingress/gateway_listeners.h"
#include "ingress/routing.h"
#include "ingress/sources.h"
#include "views/gateway_v1.h"

namespace wherry::ingress {

struct TlsPolicy {
  gateway_v1::BackendTLSPolicy object;
  BackendTls tls;
  std::optional<Finding> refused;     // Accepted: False, and nothing is sent to its targets
  std::optional<Finding> unresolved;  // ResolvedRefs: False
};

class TlsPolicies {
 public:
  TlsPolicies(const std::vector<gateway_v1::BackendTLSPolicy>& policies, const Sources& sources);
  TlsPolicies(const TlsPolicies&) = delete;
  TlsPolicies& operator=(const TlsPolicies&) = delete;

  // That of a Service's port; null when it has none.
  const TlsPolicy* find(const ServicePort& port) const;

  // The oldest first.
  const std::vector<TlsPolicy>& all() const { return policies_; }

  // Whether one of these Services is a target of the policy.
  static bool concerns(const TlsPolicy& policy, const std::set<meta::ObjectKey>& services);
  // Why it isn't accepted by those who lead to these Services.
  std::optional<Finding> refusalOf(const TlsPolicy& policy, const std::set<meta::ObjectKey>& services) const;

 private:
  std::optional<Finding> against(const TlsPolicy& policy, const ServicePort& target) const;

  const Sources& sources_;
  std::vector<TlsPolicy> policies_;
  std::map<ServicePort, const TlsPolicy*> holders_;  // by target: its port is "" for the whole Service
};

}  // namespace wherry::ingress
