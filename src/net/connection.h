// A connection of a server: its socket on its loop, the bytes that wait to be sent, its deadline. What is spoken over
// it is a Protocol's matter. Everything here happens on the loop's thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>

#include "net/event_loop.h"
#include "net/http.h"
#include "net/output_queue.h"
#include "net/transport.h"

namespace wherry::net {

class Connection;

class Protocol {
 public:
  virtual ~Protocol() = default;
  virtual void onInput(std::string_view data) = 0;
  // False: leave what comes in the socket for now.
  virtual bool wantsInput() const = 0;
  // Puts what there is to send into the connection's output, while that is not too long already.
  virtual void fill() = 0;
  // The socket takes no more for now.
  virtual void onStall() = 0;
  virtual void onDeadline() = 0;
  // The server stops: take no new requests, close once those under way are answered.
  virtual void onDrain() = 0;
  // The connection is gone.
  virtual void onClosed() = 0;
};

// Above this many bytes of output a protocol adds no more.
inline constexpr size_t kOutputFull = 64 << 10;

class Connection : public EventLoop::Source, public std::enable_shared_from_this<Connection> {
 public:
  // Called once the handshake is done; makes the protocol that was agreed.
  using ProtocolFactory = std::function<std::unique_ptr<Protocol>(Connection&)>;
  using ClosedHandler = std::function<void(const std::shared_ptr<Connection>&)>;

  Connection(std::shared_ptr<EventLoop> loop, std::unique_ptr<Transport> transport, std::shared_ptr<Peer> peer,
             std::chrono::milliseconds handshakeTime, ProtocolFactory protocolFactory, ClosedHandler onClosed);

  // Begins; the loop owns the connection from here on.
  void start();
  void onReady(uint32_t events) override;

  const std::shared_ptr<EventLoop>& loop() const { return loop_; }
  std::shared_ptr<const Peer> peer() const { return peer_; }
  std::string_view agreedProtocol() const { return transport_->protocol(); }
  OutputQueue& output() { return output_; }

  // There is something new to send: it goes out before the loop sleeps, together with all else that this turn produces.
  void progressSoon();
  void switchTo(std::unique_ptr<Protocol> protocol);
  // One deadline; a later call replaces it.
  void setDeadline(base::MonotonicTime when);
  void setDeadlineIn(std::chrono::milliseconds time) { setDeadline(loop_->now() + time); }
  void clearDeadline() { deadline_.reset(); }

  void drain();
  void close();
  // Closes once the output is sent.
  void closeAfterOutput() { ending_ = Ending::kAfterOutput; }
  // The same, then reads and drops what the client still sends for a short time: closing a socket with unread bytes
  // would reset it, and the client would never see the answer (RFC 9112 section 9.6).
  void closeAfterOutputAndInput() { ending_ = Ending::kAfterOutputAndInput; }
  bool closed() const { return closed_; }

 private:
  enum class Ending { kNot, kAfterOutput, kAfterOutputAndInput, kDropping };

  bool shakeHands();
  void progress(bool readable);
  bool readsInput() const;
  void receive();
  bool receiveOnce();
  void send();
  void outputSent();
  void deferSelf();
  void watchFor(uint32_t events);
  uint32_t wantedEvents() const;
  void armTimer();
  void onTimer();

  const std::shared_ptr<EventLoop> loop_;
  const std::unique_ptr<Transport> transport_;
  std::shared_ptr<Peer> peer_;
  const std::chrono::milliseconds handshakeTime_;
  ProtocolFactory protocolFactory_;
  ClosedHandler onClosed_;
  std::unique_ptr<Protocol> protocol_;
  std::unique_ptr<Protocol> replaced_;  // kept until its call has returned
  OutputQueue output_;
  uint32_t events_ = 0;
  bool stalled_ = false;    // the socket takes no more for now
  bool inputLeft_ = false;  // in the transport, and nothing will announce it
  bool inProgress_ = false;
  bool moreToFill_ = false;
  bool deferred_ = false;
  bool draining_ = false;
  bool closed_ = false;
  Ending ending_ = Ending::kNot;
  std::optional<base::MonotonicTime> deadline_;
  std::optional<EventLoop::TimerId> timer_;  // may ring before the deadline; then it is set again
};

}  // namespace wherry::net
