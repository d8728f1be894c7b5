#include "kubelet/pods/pod_tokens.h"

#include <algorithm>
#include <chrono>

#include <fmt/format.h>

#include "meta/status.h"

namespace wherry::kubelet {
namespace {

constexpr std::chrono::hours kOldest{24};
constexpr std::chrono::minutes kRetry{1};

}  // namespace

base::WallTime decideRenewal(base::WallTime issued, base::WallTime end) {
  auto life = std::max(end - issued, base::WallTime::duration::zero());
  return issued + std::min<base::WallTime::duration>(life / 5 * 4, kOldest);
}

std::optional<std::string> PodTokens::get(const Projection& wanted, base::WallTime now, const Request& request) {
  Held& held = held_[fmt::format("{}/{}", wanted.audience(), wanted.expirationSeconds())];
  if (held.token.text.empty() || now >= held.renewal) {
    try {
      held.token = request(wanted);
      held.renewal = std::max(decideRenewal(now, held.token.end), now + kRetry);  // clocks differ
    } catch (const meta::StatusError&) {                                          // a pod can do without, and most do
      held.renewal = now + kRetry;
    }
  }
  if (held.token.text.empty() || now >= held.token.end) return std::nullopt;
  return held.token.text;
}

std::optional<base::WallTime> PodTokens::nextRenewal() const {
  std::optional<base::WallTime> next;
  for (const auto& [key, held] : held_) next = next ? std::min(*next, held.renewal) : held.renewal;
  return next;
}

}  // namespace wherry::kubelet
