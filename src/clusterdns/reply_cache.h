// The answers of resolvers, kept for as long as they may be. Bounded in bytes: the least recently used go first;
// nothing goes by time, so that nothing has to look at the clock for it. What has expired is kept as well, for the time
// when nobody can be asked (RFC 8767).
//
// Safe from any thread: in shards, each with a lock held for a few lookups. Times are handed in; pure otherwise.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/clock.h"
#include "base/guarded.h"
#include "base/strings.h"
#include "clusterdns/reply.h"

namespace wherry::clusterdns {

struct CacheLimits {
  size_t bytes = 8 << 20;                    // 0: nothing is kept
  std::chrono::seconds success{3600};        // at most
  std::chrono::seconds denial{1800};         // at most
  std::chrono::seconds failure{5};           // RFC 9520 section 3.2: 1 s to 5 min
  std::chrono::seconds staleFor{24 * 3600};  // after its end; RFC 8767 section 5: 1 to 3 days; 0: never
};

class ReplyCache {
 public:
  explicit ReplyCache(CacheLimits limits) : limits_(limits) {}
  ~ReplyCache();
  ReplyCache(const ReplyCache&) = delete;
  ReplyCache& operator=(const ReplyCache&) = delete;

  // One question: whoever asks for DNSSEC's records, or against checking them, gets another answer.
  static std::string keyOf(std::string_view lowerName, dns::Type type, bool dnssecOk, bool checkingDisabled);

  struct Found {
    enum class State {
      kMissing,
      kFresh,
      kExpiring,   // fresh and popular, but not for long: to be answered and asked for again, by this caller alone
      kStale,      // to be asked for again; an answer if that fails
      kStaleOnly,  // a moment ago asking failed: an answer at once
    };
    State state = State::kMissing;
    ReplyPtr reply;
    Reply::Age age;

    bool answers() const { return state != State::kMissing && state != State::kStale; }
  };
  Found find(std::string_view key, base::MonotonicTime now);

  // Keeps it if it may be kept. A failure (Kind::kError) takes the place of nothing better: what is there is then as
  // good as it gets for some time (RFC 8767 section 5).
  void put(std::string_view key, ReplyPtr reply, base::MonotonicTime now);
  // Of a reply that has just come.
  Reply::Age newAge() const { return {0, static_cast<uint32_t>(limits_.success.count()), false}; }
  // For another configuration: what was said by whom is not known.
  void clear();

  size_t bytes() const;

 private:
  static constexpr size_t kShards = 16;
  struct Entry {
    std::string key;
    ReplyPtr reply;
    base::MonotonicTime since, until, recheck;
    uint32_t hits = 0;  // since it was put here
    bool refreshing = false;
    size_t bytes = 0;
  };
  using Entries = std::list<Entry>;  // the most recently used first
  struct Shard {
    Entries entries;
    std::unordered_map<std::string_view, Entries::iterator> byKey;
    size_t bytes = 0;
  };

  base::Guarded<Shard>& shardOf(std::string_view key) { return shards_[base::StringHash{}(key) % kShards]; }
  bool usable(const Entry& entry, base::MonotonicTime now) const;
  std::chrono::seconds lifetime(const Reply& reply) const;
  Found read(Entry& entry, base::MonotonicTime now) const;
  static void erase(Shard& shard, Entries::iterator at);
  void insert(Shard& shard, Entry entry) const;

  const CacheLimits limits_;
  std::array<base::Guarded<Shard>, kShards> shards_;
};

}  // namespace wherry::clusterdns
