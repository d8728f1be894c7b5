#include "clusterdns/name_resolver.h"

#include "clusterdns/forward_config.h"
#include "clusterdns/forward_metrics.h"

namespace wherry::clusterdns {
namespace {

base::MonotonicTime now() { return std::chrono::steady_clock::now(); }

}  // namespace

std::string NameResolver::keyOf(const Forwarder::Question& question) {
  return ReplyCache::keyOf(question.name.wire(), question.type, question.dnssecOk, question.checkingDisabled);
}

// What is known of a group's resolvers stays with it as long as it does not change.
void NameResolver::setRoutes(std::vector<StubDomain> routes, std::shared_ptr<const net::TlsContext> tls) {
  std::vector<std::shared_ptr<UpstreamGroup>> groups;
  for (const StubDomain& route : routes) {
    std::shared_ptr<UpstreamGroup> group;
    for (const auto& old : groups_) {
      if (old->upstreams == route.upstreams && old->tls == tls) group = old;
    }
    groups.push_back(group ? group : std::make_shared<UpstreamGroup>(route.upstreams, tls));
  }
  routes_ = std::move(routes);
  groups_ = std::move(groups);
}

std::shared_ptr<UpstreamGroup> NameResolver::groupOf(const dns::Name& name) const {
  auto route = findRoute(routes_, name);
  return route ? groups_[*route] : nullptr;
}

void NameResolver::resolve(const Forwarder::Question& question, OnResolved onResolved) {
  std::string key = keyOf(question);
  // It may have come since somebody else looked.
  ReplyCache::Found found = cache_.find(key, now());
  if (found.answers()) {
    onResolved({found.reply, found.age});
    if (found.state == ReplyCache::Found::State::kExpiring) refresh(question);
    return;
  }
  bool stale = found.state == ReplyCache::Found::State::kStale;
  auto under = pending_.find(key);
  if (under == pending_.end() && pending_.size() >= kMaxUnderWay) {
    forwardCounts().rejected.add();
    return onResolved(stale ? Resolved{found.reply, found.age}
                            : Resolved{Reply::failure(question.name, question.type), cache_.newAge()});
  }
  bool first = under == pending_.end();
  Pending& pending = pending_[key];
  pending.waiters.push_back(std::move(onResolved));
  if (stale && !pending.staleTimer) {
    Resolved kept{found.reply, found.age};
    pending.staleTimer =
        loop_.addTimer(now() + kStaleAfter, [self = shared_from_this(), key, kept] { self->giveStale(key, kept); });
  }
  if (first) ask(question, key);
}

void NameResolver::refresh(const Forwarder::Question& question) {
  std::string key = keyOf(question);
  if (pending_.contains(key) || pending_.size() >= kMaxUnderWay) return;
  forwardCounts().prefetches.add();
  pending_[key];
  ask(question, key);
}

void NameResolver::ask(const Forwarder::Question& question, const std::string& key) {
  std::shared_ptr<UpstreamGroup> group = groupOf(question.name);
  if (!group) return answered(question, key, nullptr);
  forwarder_.ask(question, group, [self = shared_from_this(), question, key](ReplyPtr reply) {
    self->answered(question, key, std::move(reply));
  });
}

void NameResolver::giveStale(const std::string& key, const Resolved& stale) {
  auto at = pending_.find(key);
  if (at == pending_.end()) return;
  at->second.staleTimer.reset();
  for (const OnResolved& waiter : std::exchange(at->second.waiters, {})) {
    forwardCounts().servedStale.add();
    waiter(stale);
  }
}

// Puts a reply into the cache. What nobody answered, or with a failure, is answered by what was known before.
Resolved NameResolver::bestOf(const std::string& key, ReplyPtr reply) {
  cache_.put(key, reply, now());
  if (reply->kind() == Reply::Kind::kError) {
    ReplyCache::Found found = cache_.find(key, now());
    if (found.answers() && found.age.stale) forwardCounts().servedStale.add();
    if (found.answers()) return {found.reply, found.age};
  }
  return {std::move(reply), cache_.newAge()};
}

void NameResolver::answered(const Forwarder::Question& question, const std::string& key, ReplyPtr reply) {
  auto pending = pending_.extract(key);
  if (pending.empty()) return;
  if (auto& timer = pending.mapped().staleTimer) loop_.cancelTimer(*timer);
  if (!reply) reply = Reply::failure(question.name, question.type);
  Resolved resolved = bestOf(key, std::move(reply));
  for (const OnResolved& waiter : pending.mapped().waiters) waiter(resolved);
}

}  // namespace wherry::clusterdns
