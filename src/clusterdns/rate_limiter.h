// How many answers over UDP an address may get that anybody could have forged: a bucket each of as many answers as a
// second's worth (a generic cell rate in one atomic word), in a table of fixed size. Two addresses that meet in a place
// of the table take it from each other, which gives rather too much than too little.
//
// Safe from any thread, without a lock.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/clock.h"

namespace wherry::clusterdns {

class RateLimiter {
 public:
  // `perSecond`: 0 is no limit.
  explicit RateLimiter(uint32_t perSecond);

  // Every second query above the limit is answered with "ask over TCP", by which a client that is who it says gets its
  // answer; the others are dropped.
  enum class Verdict { kAnswer, kTruncate, kDrop };
  Verdict take(std::string_view address, base::MonotonicTime now);

 private:
  static constexpr size_t kPlaces = 16'384;
  std::chrono::microseconds each_{0};
  uint64_t seed_[2];
  std::vector<std::atomic<uint64_t>> places_;  // 16 bits to tell an address by, 48 bits of time in microseconds
  std::atomic<uint32_t> refused_{0};
};

}  // namespace wherry::clusterdns
