#include "clusterdns/rate_limiter.h"

#include <algorithm>
#include <cstring>

#include <sodium.h>

#include "base/random.h"

namespace wherry::clusterdns {
namespace {

constexpr uint64_t kTimeBits = 48, kTimeMask = (uint64_t{1} << kTimeBits) - 1;
constexpr std::chrono::microseconds kSecond{1'000'000};
constexpr size_t kV6Network = 8;  // a host has a /64 of its own

}  // namespace

RateLimiter::RateLimiter(uint32_t perSecond) : places_(perSecond == 0 ? 0 : kPlaces) {
  if (perSecond != 0) each_ = std::max(kSecond / perSecond, std::chrono::microseconds(1));
  std::string bytes = base::randomBytes(sizeof seed_);
  std::memcpy(seed_, bytes.data(), bytes.size());
}

RateLimiter::Verdict RateLimiter::take(std::string_view address, base::MonotonicTime now) {
  if (places_.empty()) return Verdict::kAnswer;
  if (address.size() > kV6Network) address = address.substr(0, kV6Network);
  uint64_t hash = 0;
  crypto_shorthash(reinterpret_cast<unsigned char*>(&hash), reinterpret_cast<const unsigned char*>(address.data()),
                   address.size(), reinterpret_cast<const unsigned char*>(seed_));
  std::atomic<uint64_t>& place = places_[hash % kPlaces];
  uint64_t tag = hash & ~kTimeMask;
  auto time =
      static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(now.time_since_epoch()).count());
  uint64_t seen = place.load(std::memory_order_relaxed);
  for (;;) {
    // When the bucket is full again, were nothing more taken.
    uint64_t full = (seen & ~kTimeMask) == tag ? std::max(seen & kTimeMask, time) : time;
    uint64_t next = full + static_cast<uint64_t>(each_.count());
    if (next - time > static_cast<uint64_t>(kSecond.count())) {
      bool slip = refused_.fetch_add(1, std::memory_order_relaxed) % 2 == 0;
      return slip ? Verdict::kTruncate : Verdict::kDrop;
    }
    if (place.compare_exchange_weak(seen, tag | (next & kTimeMask), std::memory_order_relaxed)) return Verdict::kAnswer;
  }
}

}  // namespace wherry::clusterdns
