#include "controllers/failure_backoff.h"

#include <algorithm>

namespace wherry::controllers {

namespace {
constexpr std::chrono::seconds kFirst(1), kMost(900), kForgotten(2 * kMost);
}

std::optional<base::WallTime> FailureBackoff::until(std::string_view name, base::WallTime now) const {
  const auto at = entries_.find(name);
  if (at == entries_.end()) return std::nullopt;
  const auto end = at->second.since + at->second.delay;
  return end > now ? std::optional(end) : std::nullopt;
}

void FailureBackoff::failed(std::string_view name, base::WallTime now) {
  std::erase_if(entries_, [&](const auto& entry) { return now - entry.second.since > kForgotten; });
  const auto at = entries_.find(name);
  if (at == entries_.end()) {
    entries_.emplace(name, Entry{kFirst, now});
  } else {
    at->second = {std::min(2 * at->second.delay, kMost), now};
  }
}

}  // namespace wherry::controllers
