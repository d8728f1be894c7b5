// A connection to one resolver over TCP (RFC 7766) or TLS (RFC 7858), over which many questions may be under way at
// once, answered in any order. Closed when nothing was under way for some time. All calls on the loop's thread.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

#include "clusterdns/upstream.h"
#include "net/event_loop.h"
#include "net/tls.h"

namespace wherry::clusterdns {

class StreamConnection : public net::EventLoop::Source, public std::enable_shared_from_this<StreamConnection> {
 public:
  // The answer, with whatever id; nothing: the connection is lost.
  using OnAnswer = std::function<void(std::optional<std::string> answer)>;
  using Ticket = uint16_t;

  static constexpr std::chrono::seconds kIdle{10};
  static constexpr size_t kMaxUnderWay = 512;

  // `tls`: null for TCP. Begins to connect; what fails is told to those who ask.
  static std::shared_ptr<StreamConnection> open(net::EventLoop& loop, const Upstream& upstream,
                                                std::shared_ptr<const net::TlsContext> tls);

  // One more question may be asked over it.
  bool usable() const { return !lost_ && !retired_ && waiting_.size() < kMaxUnderWay; }
  // It has carried an answer: when it is lost now, that says nothing about the resolver.
  bool provedItself() const { return answered_; }
  // Sends the query with an id of its own. REQUIRES: usable(). `onAnswer` is not called before this returns.
  Ticket ask(std::string query, OnAnswer onAnswer);
  // Nobody waits for that answer any more. One that was not answered in time takes no more questions.
  void forget(Ticket ticket);
  void retire();
  const std::string& failure() const { return failure_; }

  void onReady(uint32_t events) override;

 private:
  enum class Stage { kConnecting, kHandshaking, kOpen };

  StreamConnection(net::EventLoop& loop, std::string tlsName, std::shared_ptr<const net::TlsContext> tls)
      : loop_(loop), tlsName_(std::move(tlsName)), tls_(std::move(tls)) {}
  void connect(const Upstream& upstream);
  bool establish(uint32_t events);
  bool receive();
  bool takeMessages();
  bool flush();
  void watch();
  void lose(std::string why);
  void close();
  void idleFromNow();

  net::EventLoop& loop_;
  const std::string tlsName_;
  std::shared_ptr<const net::TlsContext> tls_;
  base::Fd socket_;  // until the transport has it
  std::unique_ptr<net::Transport> transport_;
  int fd_ = -1;
  Stage stage_ = Stage::kConnecting;
  std::unordered_map<Ticket, OnAnswer> waiting_;
  std::string in_, unsent_;
  std::string failure_;
  uint32_t events_ = 0;
  bool lost_ = false, retired_ = false, answered_ = false;
  std::optional<net::EventLoop::TimerId> idle_;
};

}  // namespace wherry::clusterdns
