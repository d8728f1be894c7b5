// Enforcement: has the kernel judge the traffic of this node's pods by the NetworkPolicies, by the nftables tables
// `wherry_policy` of families ip and ip6, in the network namespace it was started in. It follows NetworkPolicies, Pods
// and Namespaces; each batch of changes is a few small transactions. While there is no NetworkPolicy there is no table,
// and changes of pods cost nothing.
//
// Safe from any thread. Where the kernel refuses a change, or somebody else has been at the table, it is written anew;
// where that fails too it is tried again, later each time.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/metrics.h"
#include "base/published.h"
#include "client/informer.h"

namespace wherry::policy {

struct EnforcementOptions {
  // "10.244.0.0/24", and of the other family separated by a comma: this node's pods.
  std::string podCidr;
};

class Enforcement {
 public:
  // Registers with the informers, which must have stopped when it is destroyed. Before informers.start().
  Enforcement(client::InformerFactory& informers, const EnforcementOptions& options);
  ~Enforcement();  // stop()
  Enforcement(const Enforcement&) = delete;
  Enforcement& operator=(const Enforcement&) = delete;

  void start();
  // The rules stay: pods outlive the process.
  void stop();

  // The revision of Pods up to which each is judged as the policies say; kNothingToJudge while there is no policy; 0
  // from when the first is heard of until its table is written, and before anything is known.
  const base::Published<int64_t>& applied() const;
  static constexpr int64_t kNothingToJudge = INT64_MAX;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// How long the kernel was behind, for /metrics.
std::vector<const base::metrics::FamilyBase*> metricFamilies();

}  // namespace wherry::policy
