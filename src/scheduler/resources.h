// Amounts of resources by name: "cpu" in thousandths, everything else in whole units. A value; pure.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "schema/view.h"
#include "views/core_v1.h"

namespace wherry::scheduler {

class Resources {
 public:
  // {cpu: 500m, memory: 1Gi}; what can't be read counts as 0.
  static Resources of(const schema::StringMap& quantities);

  int64_t get(std::string_view name) const;  // 0 when missing
  void set(std::string_view name, int64_t amount);
  void add(const Resources& other);
  void subtract(const Resources& other);
  void raiseTo(const Resources& other);  // the larger of each
  void replace(const Resources& other);  // those that `other` names
  const std::map<std::string, int64_t, std::less<>>& amounts() const { return amounts_; }

 private:
  std::map<std::string, int64_t, std::less<>> amounts_;
};

// What a node must have free for the pod: its containers and sidecars together, or the largest init container beside
// the sidecars before it, plus the pod's overhead (KEP-753, KEP-688). Requests of the whole pod go before those
// (KEP-2837).
Resources requestsOf(const core_v1::PodSpec& spec);
// The same for scoring, where a container that requests nothing counts as a small one (100m, 200 MB).
Resources scoredRequestsOf(const core_v1::PodSpec& spec);

}  // namespace wherry::scheduler
