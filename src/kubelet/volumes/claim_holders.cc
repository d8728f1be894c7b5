#include "kubelet/volumes/claim_holders.h"

namespace wherry::kubelet {

bool ClaimHolders::take(const std::string& name, const std::string& uid, Sharing sharing) {
  return claims_.with([&](auto& claims) {
    Claim& claim = claims[name];
    const bool taken = claim.holders.size() > (claim.holders.contains(uid) ? 1u : 0u);
    if (taken && sharing == Sharing::kNone) {
      claim.waiting.insert(uid);
      return false;
    }
    claim.waiting.erase(uid);
    claim.holders.insert(uid);
    return true;
  });
}

std::vector<std::string> ClaimHolders::drop(const std::string& uid) {
  return claims_.with([&](auto& claims) {
    std::set<std::string> waited;
    for (auto at = claims.begin(); at != claims.end();) {
      Claim& claim = at->second;
      claim.waiting.erase(uid);
      if (claim.holders.erase(uid) > 0) waited.merge(claim.waiting);
      at = claim.holders.empty() ? claims.erase(at) : std::next(at);
    }
    return std::vector<std::string>(waited.begin(), waited.end());
  });
}

}  // namespace wherry::kubelet
