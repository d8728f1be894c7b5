// Which pods of this node have which claim's volume: a volume of access mode ReadWriteOncePod is one pod's (KEP-2485).
// The scheduler sees to that already; this is for pods that it never saw. Safe from any thread.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/guarded.h"

namespace wherry::kubelet {

class ClaimHolders {
 public:
  enum class Sharing { kAny, kNone };
  // `claim` as "namespace/name". False when the pod may not have it, since another has; it is told of by drop() then.
  bool take(const std::string& claim, const std::string& uid, Sharing sharing);
  // The pod has no claims any more. The uids of those that waited for one of them.
  std::vector<std::string> drop(const std::string& uid);

 private:
  struct Claim {
    std::set<std::string> holders;
    std::set<std::string> waiting;
  };
  base::Guarded<std::map<std::string, Claim>> claims_;
};

}  // namespace wherry::kubelet
