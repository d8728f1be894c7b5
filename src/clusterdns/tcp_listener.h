// DNS over TCP (RFC 7766): many queries on a connection, answered in any order, on the event loop's thread. Bounded: so
// many connections, so much unsent, so long without a query.
#pragma once

#include <memory>

#include "base/fd.h"
#include "clusterdns/answer.h"
#include "clusterdns/shared_zone.h"
#include "clusterdns/upstreams.h"
#include "net/event_loop.h"

namespace wherry::clusterdns {

class TcpListener : public net::EventLoop::Source, public std::enable_shared_from_this<TcpListener> {
 public:
  // `socket`: listening, non-blocking.
  TcpListener(net::EventLoop& loop, base::Fd socket, const SharedZone& zone, AnswerOptions answers,
              std::shared_ptr<Upstreams> upstreams, size_t maxConnections);

  void start();  // on the loop's thread
  void onReady(uint32_t events) override;

 private:
  class Connection;

  net::EventLoop& loop_;
  base::Fd socket_;
  ZoneReader zone_;
  Answerer answerer_;
  dns::ResponseWriter writer_;
  std::shared_ptr<Upstreams> upstreams_;
  size_t maxConnections_;
  size_t connections_ = 0;
};

}  // namespace wherry::clusterdns
