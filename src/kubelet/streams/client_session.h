// A client at one end of a container's process: what exec and attach do alike, whatever stands at the other end.
#pragma once

#include <memory>

#include "client/node_connection.h"
#include "kubelet/streams/outflow.h"
#include "kubelet/streams/session.h"

namespace wherry::kubelet {

// Made on the caller's thread; all else happens on the loop's.
class ClientSession : public Session, public std::enable_shared_from_this<ClientSession> {
 public:
  // On the caller's thread, so that nothing of what the client sends is missed.
  void followClient();
  void start() final;

 protected:
  ClientSession(SessionContext context, std::shared_ptr<client::ProcessStreams> client, std::shared_ptr<Outflow> stdin)
      : context_(std::move(context)), client_(std::move(client)), stdin_(std::move(stdin)) {}

  // The client is there: begins what it asked for.
  virtual void begin() = 0;
  virtual void onResize(client::TerminalSize size) = 0;
  virtual void onWritable() = 0;
  // The client has gone: ends what need not go on, and closes the session once nothing does.
  virtual void onClientGone() = 0;
  // Lets go of all that bytes come from and go to.
  virtual void closeFlows() = 0;

  bool clientGone() const { return clientGone_; }
  // Tells the client the end; the session is over. May destroy it once the caller returns.
  void finish(const client::ProcessEnd& end);
  void close();

  const SessionContext context_;
  std::shared_ptr<client::ProcessStreams> client_;  // until it is told the end
  const std::shared_ptr<Outflow> stdin_;

 private:
  template <typename Handler>
  auto onLoop(Handler handler);

  bool clientGone_ = false;
};

}  // namespace wherry::kubelet
