// Finds out what resolvers say about a name, and keeps it. Whoever asks the same at the same time shares one question.
// What has expired is given when the answer is late or does not come (RFC 8767).
//
// All calls on the loop's thread.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "clusterdns/external_names.h"
#include "clusterdns/forwarder.h"
#include "clusterdns/upstream.h"
#include "net/event_loop.h"

namespace wherry::clusterdns {

class NameResolver : public std::enable_shared_from_this<NameResolver> {
 public:
  using OnResolved = std::function<void(const Resolved& resolved)>;

  static constexpr size_t kMaxUnderWay = 1024;
  // RFC 8767 section 5, the client response timer: how long an answer that has expired is kept back.
  static constexpr std::chrono::milliseconds kStaleAfter{1800};

  NameResolver(net::EventLoop& loop, ReplyCache& cache, ForwardTimes times = {})
      : loop_(loop), cache_(cache), forwarder_(loop, times) {}

  // `routes`: as decideRoutes() has them. `tls`: for those of them that need it.
  void setRoutes(std::vector<StubDomain> routes, std::shared_ptr<const net::TlsContext> tls);

  // The reply is never null: at worst it says SERVFAIL. May be called before this returns.
  void resolve(const Forwarder::Question& question, OnResolved onResolved);
  // Asks again for what was found to be expiring.
  void refresh(const Forwarder::Question& question);

 private:
  struct Pending {
    std::vector<OnResolved> waiters;
    std::optional<net::EventLoop::TimerId> staleTimer;
  };
  static std::string keyOf(const Forwarder::Question& question);
  std::shared_ptr<UpstreamGroup> groupOf(const dns::Name& name) const;
  void ask(const Forwarder::Question& question, const std::string& key);
  void answered(const Forwarder::Question& question, const std::string& key, ReplyPtr reply);
  void giveStale(const std::string& key, const Resolved& stale);
  Resolved bestOf(const std::string& key, ReplyPtr reply);

  net::EventLoop& loop_;
  ReplyCache& cache_;
  Forwarder forwarder_;
  std::vector<StubDomain> routes_;
  std::vector<std::shared_ptr<UpstreamGroup>> groups_;  // of each route
  std::unordered_map<std::string, Pending> pending_;
};

}  // namespace wherry::clusterdns
