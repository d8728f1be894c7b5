// The newest zone, as the threads that answer from it share it: each holds a reference of its own and renews it only
// when there is a newer one, which costs a query one atomic load.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "base/guarded.h"
#include "clusterdns/zone.h"

namespace wherry::clusterdns {

class SharedZone {
 public:
  explicit SharedZone(std::shared_ptr<const Zone> zone) : zone_(std::move(zone)) {}

  void publish(std::shared_ptr<const Zone> zone) {
    zone_.with([&](auto& slot) { slot = std::move(zone); });
    version_.fetch_add(1, std::memory_order_release);
  }

 private:
  friend class ZoneReader;
  base::Guarded<std::shared_ptr<const Zone>> zone_;
  std::atomic<uint64_t> version_{1};
};

// One thread's view of it. Not thread-safe.
class ZoneReader {
 public:
  explicit ZoneReader(const SharedZone& from) : from_(from) {}

  // Holds everything that was published before the call.
  const Zone& newest() { return *shared(); }
  // The same, for whoever needs that one for longer.
  const std::shared_ptr<const Zone>& shared() {
    uint64_t version = from_.version_.load(std::memory_order_acquire);
    if (version != version_) {
      zone_ = from_.zone_.copy();
      version_ = version;
    }
    return zone_;
  }

 private:
  const SharedZone& from_;
  std::shared_ptr<const Zone> zone_;
  uint64_t version_ = 0;
};

}  // namespace wherry::clusterdns
