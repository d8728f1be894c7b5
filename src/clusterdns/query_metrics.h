// What the cluster DNS counts, under CoreDNS's names. Each thread that answers has numbers of its own, to which only it
// writes: counting costs a query no lock and no shared cache line, and a scrape sums them.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/metrics.h"
#include "clusterdns/socket_address.h"
#include "dns/message.h"

namespace wherry::clusterdns {

// Whose name was asked for: one of the cluster's, or any other.
enum class AskedZone { kCluster, kOther };

// One thread's numbers; only that thread counts, any may read.
class QueryCounts {
 public:
  // The bounds of CoreDNS, in seconds: 0.25 ms, doubled up to 8 s.
  static constexpr size_t kBounds = 16;
  static double boundSeconds(size_t index) { return 0.00025 * static_cast<double>(uint64_t{1} << index); }

  void countRequest(Transport transport, bool v6, AskedZone zone, dns::Type type);
  // `took`: from the arrival of the query on.
  void countResponse(AskedZone zone, dns::Rcode rcode, std::chrono::nanoseconds took);
  // The same of a whole response to a query for somebody else's name.
  void countReply(std::string_view response, base::MonotonicTime arrived);
  // A query that got no answer, or "ask over TCP", since its address had too many.
  void countLimited() { bump(limited_); }

 private:
  friend class QueryFamilies;
  using Number = std::atomic<uint64_t>;
  static constexpr size_t kTypes = 15, kRcodes = 24;
  static void bump(Number& number, uint64_t by = 1) {
    number.store(number.load(std::memory_order_relaxed) + by, std::memory_order_relaxed);
  }

  std::array<std::array<std::array<std::array<Number, kTypes>, 2>, 2>, 2> requests_{};  // transport, family, zone
  std::array<std::array<Number, kRcodes>, 2> responses_{};
  std::array<std::array<Number, kBounds + 1>, 2> durations_{};
  std::array<Number, 2> nanoseconds_{};
  Number limited_{0};
};

// Numbers for a new thread. They are part of the sums for ever.
std::shared_ptr<QueryCounts> newQueryCounts();

// How long after a change of its pod (or of what wrote the slice) an endpoint's names were answered.
void countProgramming(std::string_view serviceKind, std::chrono::nanoseconds took);

// The metrics' labels for the server and the cluster's zone, such as "dns://10.96.0.10:53" and "cluster.local.".
void nameServer(std::string server, std::string domain);

std::vector<const base::metrics::FamilyBase*> dnsFamilies();

}  // namespace wherry::clusterdns
