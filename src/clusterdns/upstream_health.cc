#include "clusterdns/upstream_health.h"

#include <algorithm>

namespace wherry::clusterdns {

std::chrono::seconds UpstreamHealth::backoff(unsigned failures) {
  constexpr std::chrono::seconds kLongest{30};
  return std::min(kLongest, std::chrono::seconds(1u << std::min(failures - 1, 5u)));
}

std::vector<UpstreamHealth::Candidate> UpstreamHealth::order(base::MonotonicTime now) {
  std::vector<Candidate> first, last;
  for (size_t i = 0; i < states_.size(); ++i) {
    State& state = states_[i];
    bool due = state.down() && now >= state.tryAgain;
    if (due) state.tryAgain = now + backoff(state.failures);
    (state.down() && !due ? last : first).push_back({i, state.down()});
  }
  first.insert(first.end(), last.begin(), last.end());
  return first;
}

UpstreamHealth::Change UpstreamHealth::succeeded(size_t index) {
  bool wasDown = states_[index].down();
  states_[index].failures = 0;
  return wasDown ? Change::kUp : Change::kNone;
}

UpstreamHealth::Change UpstreamHealth::failed(size_t index, base::MonotonicTime now) {
  State& state = states_[index];
  bool wasDown = state.down();
  // Of many that wait for the same silence only the first counts.
  if (wasDown && now < state.tryAgain) return Change::kNone;
  ++state.failures;
  state.tryAgain = now + backoff(state.failures);
  return wasDown ? Change::kNone : Change::kDown;
}

bool UpstreamHealth::allDown() const {
  return std::all_of(states_.begin(), states_.end(), [](const State& state) { return state.down(); });
}

}  // namespace wherry::clusterdns
