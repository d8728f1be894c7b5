// Which of several resolvers to ask, and in which order: as they were given, those that failed lately last. One that
// failed is asked first again now and then, at most once in a back-off that grows (1 s up to 30 s), by a query that
// came anyway: nothing asks for the sake of asking. Pure; times are handed in.
#pragma once

#include <chrono>
#include <vector>

#include "base/clock.h"

namespace wherry::clusterdns {

class UpstreamHealth {
 public:
  explicit UpstreamHealth(size_t count) : states_(count) {}

  struct Candidate {
    size_t index;
    bool suspect;  // it failed lately: the next one is not kept waiting for it
  };
  // Everybody once. A suspect whose back-off is over stands where it was given, and isn't again until the next one is.
  std::vector<Candidate> order(base::MonotonicTime now);

  enum class Change { kNone, kDown, kUp };
  Change succeeded(size_t index);
  Change failed(size_t index, base::MonotonicTime now);
  bool isDown(size_t index) const { return states_[index].down(); }
  bool allDown() const;

 private:
  struct State {
    unsigned failures = 0;  // since it last answered
    base::MonotonicTime tryAgain;
    bool down() const { return failures > 0; }
  };
  static std::chrono::seconds backoff(unsigned failures);

  std::vector<State> states_;
};

}  // namespace wherry::clusterdns
