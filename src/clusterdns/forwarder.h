// Asks resolvers what is not ours. Over UDP every question goes out from a socket of its own, connected to the
// resolver: a random port of the kernel's, a random id and a random case, of which an answer has to know all (RFC
// 5452). What was cut off is asked again over TCP; resolvers over TLS are asked over a connection that is kept. One
// that does not answer is followed by the next within a second, while its answer may still come; all of it ends in
// time.
//
// All calls on the loop's thread.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "clusterdns/reply.h"
#include "clusterdns/stream_connection.h"
#include "clusterdns/upstream.h"
#include "clusterdns/upstream_health.h"
#include "net/event_loop.h"
#include "net/tls.h"

namespace wherry::clusterdns {

// Resolvers that know the same, and what is known of them.
struct UpstreamGroup {
  UpstreamGroup(UpstreamList list, std::shared_ptr<const net::TlsContext> context)
      : upstreams(std::move(list)), tls(std::move(context)), health(upstreams.size()), states(upstreams.size()) {}

  struct State {
    bool withoutEdns = false;  // it refuses queries that have it
    bool foldsCase = false;    // it does not bring back the case of names
    std::shared_ptr<StreamConnection> connection;
  };
  const UpstreamList upstreams;
  const std::shared_ptr<const net::TlsContext> tls;  // null when none of them needs it
  UpstreamHealth health;
  std::vector<State> states;
};

struct ForwardTimes {
  std::chrono::milliseconds patience{1000};         // with one resolver, before the next is asked as well
  std::chrono::milliseconds suspectPatience{200};   // ... that failed lately
  std::chrono::milliseconds connectPatience{2000};  // ... that has to be connected to first, over TLS
  std::chrono::milliseconds total{4500};            // a stub resolver waits for 5 s
};

class Forwarder {
 public:
  // Null when nobody answered in time. A failure (SERVFAIL, REFUSED) only when all that could be asked said so.
  using OnReply = std::function<void(ReplyPtr reply)>;
  struct Question {
    dns::Name name;  // lower case
    dns::Type type{};
    bool dnssecOk = false, checkingDisabled = false;
  };

  explicit Forwarder(net::EventLoop& loop, ForwardTimes times = {}) : loop_(loop), times_(times) {}

  // `onReply` may be called before this returns.
  void ask(Question question, std::shared_ptr<UpstreamGroup> group, OnReply onReply);

 private:
  class Exchange;
  class Datagram;

  net::EventLoop& loop_;
  const ForwardTimes times_;
};

}  // namespace wherry::clusterdns
