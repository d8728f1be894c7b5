#include "clusterdns/reply_cache.h"

#include <algorithm>

#include "clusterdns/forward_metrics.h"

namespace wherry::clusterdns {
namespace {

using std::chrono::seconds;

constexpr size_t kEntryOverhead = 200;  // of the list, the table and the key
constexpr uint32_t kPopular = 3;        // answers out of the cache, and a name is worth asking for in advance
constexpr uint32_t kStaleTtl = 30;      // RFC 8767 section 4
constexpr seconds kRecheck{30};         // RFC 8767 section 5: the failure recheck timer

seconds inSeconds(base::MonotonicTime::duration time) { return std::chrono::duration_cast<seconds>(time); }

}  // namespace

ReplyCache::~ReplyCache() { clear(); }

std::string ReplyCache::keyOf(std::string_view lowerName, dns::Type type, bool dnssecOk, bool checkingDisabled) {
  std::string key(lowerName);
  key += static_cast<char>(static_cast<uint16_t>(type) >> 8);
  key += static_cast<char>(type);
  key += static_cast<char>((dnssecOk ? 1 : 0) | (checkingDisabled ? 2 : 0));
  return key;
}

ReplyCache::Found ReplyCache::find(std::string_view key, base::MonotonicTime now) {
  return shardOf(key).with([&](Shard& shard) {
    auto at = shard.byKey.find(key);
    if (at == shard.byKey.end()) return Found{};
    shard.entries.splice(shard.entries.begin(), shard.entries, at->second);
    return read(*at->second, now);
  });
}

ReplyCache::Found ReplyCache::read(Entry& entry, base::MonotonicTime now) const {
  using State = Found::State;
  if (now < entry.until) {
    ++entry.hits;
    // Rounded up: what is left of the last second is a second.
    auto left = static_cast<uint32_t>(inSeconds(entry.until - now + seconds(1) - std::chrono::nanoseconds(1)).count());
    auto passed = static_cast<uint32_t>(inSeconds(now - entry.since).count());
    auto lastPart = std::max<base::MonotonicTime::duration>((entry.until - entry.since) / 10, seconds(1));
    bool expiring = entry.hits > kPopular && now >= entry.until - lastPart && !entry.refreshing &&
                    entry.reply->kind() != Reply::Kind::kError;
    if (expiring) entry.refreshing = true;
    return {expiring ? State::kExpiring : State::kFresh, entry.reply, {passed, left, false}};
  }
  if (!usable(entry, now)) return {};
  return {now < entry.recheck ? State::kStaleOnly : State::kStale, entry.reply, {0, kStaleTtl, true}};
}

bool ReplyCache::usable(const Entry& entry, base::MonotonicTime now) const {
  return entry.reply->kind() != Reply::Kind::kError && now < entry.until + limits_.staleFor;
}

seconds ReplyCache::lifetime(const Reply& reply) const {
  switch (reply.kind()) {
    case Reply::Kind::kSuccess:
      return std::min(reply.lifetime().value_or(seconds(0)), limits_.success);
    case Reply::Kind::kDenial:
      return std::min(reply.lifetime().value_or(seconds(0)), limits_.denial);
    case Reply::Kind::kError:
      return limits_.failure;
  }
  return seconds(0);
}

void ReplyCache::put(std::string_view key, ReplyPtr reply, base::MonotonicTime now) {
  seconds life = lifetime(*reply);
  size_t bytes = reply->size() + key.size() + kEntryOverhead;
  bool keep = life.count() > 0 && bytes <= limits_.bytes / kShards;
  shardOf(key).with([&](Shard& shard) {
    auto at = shard.byKey.find(key);
    if (at != shard.byKey.end() && reply->kind() == Reply::Kind::kError && usable(*at->second, now)) {
      // What is there is as good as it gets for some time.
      at->second->recheck = now + kRecheck;
      at->second->refreshing = false;
      return;
    }
    if (at != shard.byKey.end()) erase(shard, at->second);
    if (keep) insert(shard, {std::string(key), std::move(reply), now, now + life, {}, 0, false, bytes});
  });
}

void ReplyCache::insert(Shard& shard, Entry entry) const {
  while (!shard.entries.empty() && shard.bytes + entry.bytes > limits_.bytes / kShards) {
    bool success = shard.entries.back().reply->kind() == Reply::Kind::kSuccess;
    forwardCounts().evictions[success ? 0 : 1].add();
    erase(shard, std::prev(shard.entries.end()));
  }
  shard.bytes += entry.bytes;
  forwardCounts().entries[entry.reply->kind() == Reply::Kind::kSuccess ? 0 : 1].add(1);
  shard.entries.push_front(std::move(entry));
  shard.byKey.emplace(shard.entries.front().key, shard.entries.begin());
}

void ReplyCache::erase(Shard& shard, Entries::iterator at) {
  forwardCounts().entries[at->reply->kind() == Reply::Kind::kSuccess ? 0 : 1].add(-1);
  shard.bytes -= at->bytes;
  shard.byKey.erase(at->key);
  shard.entries.erase(at);
}

void ReplyCache::clear() {
  for (auto& guarded : shards_) {
    guarded.with([&](Shard& shard) {
      while (!shard.entries.empty()) erase(shard, shard.entries.begin());
    });
  }
}

size_t ReplyCache::bytes() const {
  size_t sum = 0;
  for (const auto& guarded : shards_) sum += guarded.with([](const Shard& shard) { return shard.bytes; });
  return sum;
}

}  // namespace wherry::clusterdns
