// DNS over TCP (RFC 7766, RFC 9210): many queries on a connection, answered in any order, on the event loop's thread;
// whole zones for those who may have them (RFC 5936). Bounded: so many connections in all and of each client, so much
// unread, so long without a query. Of too many connections the one goes that was idle for the longest.
#pragma once

#include <list>
#include <map>
#include <memory>
#include <string>

#include "base/fd.h"
#include "clusterdns/serving.h"
#include "net/event_loop.h"

namespace wherry::clusterdns {

class TcpListener : public net::EventLoop::Source, public std::enable_shared_from_this<TcpListener> {
 public:
  // `socket`: listening, non-blocking.
  TcpListener(net::EventLoop& loop, base::Fd socket, Serving& serving);

  void start();  // on the loop's thread
  void onReady(uint32_t events) override;

 private:
  class Connection;
  // Accepts nothing for a second when the process has no descriptor or memory for it.
  void pauseIfExhausted(int error);
  // False when there is none that may go.
  bool closeIdlest();

  net::EventLoop& loop_;
  base::Fd socket_;
  Serving& serving_;
  ZoneReader zone_;
  Answerer answerer_;
  ExternalAnswerer external_;
  Cookies cookies_;
  dns::ResponseWriter writer_;
  std::list<Connection*> connections_;  // open ones, the idlest first
  std::map<std::string, size_t> ofClient_;
};

}  // namespace wherry::clusterdns
