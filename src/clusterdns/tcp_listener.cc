#include "clusterdns/tcp_listener.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/random.h"
#include "clusterdns/socket_address.h"
#include "clusterdns/transfer.h"

namespace wherry::clusterdns {
namespace {

constexpr size_t kMaxMessage = 65535;
constexpr size_t kLengthSize = 2;
// Nothing more is read or made while so much waits for the client.
constexpr size_t kMaxUnsent = 64 << 10;
constexpr size_t kMaxForwarded = 64;
constexpr auto kExhaustedPause = std::chrono::seconds(1);
const base::Log kLog("clusterdns");

bool isTransfer(const dns::Query& query) {
  bool type = query.qtype() == dns::Type::kAxfr || query.qtype() == dns::Type::kIxfr;
  return type && query.error() == dns::Rcode::kNoError && query.hasQuestion() && query.qclass() == dns::kClassIn;
}

}  // namespace

class TcpListener::Connection : public net::EventLoop::Source, public std::enable_shared_from_this<Connection> {
 public:
  Connection(std::shared_ptr<TcpListener> listener, base::Fd fd, const SocketAddress& peer)
      : listener_(std::move(listener)), fd_(std::move(fd)), v6_(peer.family() == AF_INET6), client_(peer.bytes()) {}

  void start() {
    TcpListener& listener = *listener_;
    place_ = listener.connections_.insert(listener.connections_.end(), this);
    ++listener.ofClient_[client_];
    listener.loop_.add(fd_.get(), EPOLLIN, shared_from_this());
    events_ = EPOLLIN;
    showActivity();
  }

  void onReady(uint32_t events) override {
    auto self = shared_from_this();
    if (!fd_) return;
    if (events & (EPOLLERR | EPOLLHUP)) return close();
    if ((events & EPOLLIN) && !receive()) return close();
    proceed();
  }

  // Nothing of it is under way, so that it may be closed for another's sake.
  bool idle() const { return forwarded_ == 0 && unsent_.empty() && !transfer_; }

  void close() {
    if (!fd_) return;
    TcpListener& listener = *listener_;
    if (timer_) listener.loop_.cancelTimer(*timer_);
    timer_.reset();
    listener.loop_.remove(fd_.get());
    fd_.reset();
    listener.connections_.erase(place_);
    auto count = listener.ofClient_.find(client_);
    if (--count->second == 0) listener.ofClient_.erase(count);
  }

 private:
  bool receive() {
    char* buffer = listener_->loop_.readBuffer();
    ssize_t count = ::recv(fd_.get(), buffer, net::EventLoop::kBufferSize, 0);
    if (count < 0) return errno == EAGAIN || errno == EINTR;
    // The client may say that it has nothing more to ask, and wait for its answers.
    if (count == 0) ended_ = true;
    in_.append(buffer, static_cast<size_t>(count));
    return true;
  }

  // Answers and sends as much as can be, then waits for what is missing.
  void proceed() {
    arrived_ = std::chrono::steady_clock::now();
    for (bool more = true; more;) {
      bool full = congested();
      more = !full && answerNext();
      if (!fd_ || !flush()) return close();
      more = more || (full && !congested());
    }
    if (ended_ && idle()) return close();
    bool reading = !ended_ && !congested();
    setEvents((reading ? EPOLLIN : 0u) | (unsent_.empty() ? 0u : EPOLLOUT));
  }

  bool congested() const { return unsent_.size() > kMaxUnsent || forwarded_ >= kMaxForwarded; }

  // The next message of a transfer, or the answer to the next query; false when neither is there.
  bool answerNext() {
    if (transfer_) {
      if (auto message = transfer_->next(listener_->writer_)) {
        send(*message);
      } else {
        transfer_.reset();
      }
      return true;
    }
    if (in_.size() < kLengthSize) return false;
    size_t size = static_cast<unsigned char>(in_[0]) << 8 | static_cast<unsigned char>(in_[1]);
    if (in_.size() < kLengthSize + size) return false;
    std::string packet = in_.substr(kLengthSize, size);
    in_.erase(0, kLengthSize + size);
    auto query = dns::Query::read(packet);
    if (!query) {
      close();
      return false;
    }
    showActivity();
    answer(*query, packet);
    return true;
  }

  void answer(const dns::Query& query, const std::string& packet) {
    TcpListener& listener = *listener_;
    if (isTransfer(query) && startTransfer(query, packet)) return;
    listener.answerer_.setUpstream(listener.serving_.upstreams->available());
    Outcome outcome = listener.answerer_.answer(listener.zone_.newest(), query, kMaxMessage, listener.writer_);
    bool ours = outcome != Outcome::kForward && listener.writer_.authoritative();
    listener.serving_.loopCounts->countRequest(Transport::kTcp, v6_, ours ? AskedZone::kCluster : AskedZone::kOther,
                                               query.qtype());
    std::string ns;
    if (listener.serving_.searching && outcome == Outcome::kAnswered &&
        listener.writer_.rcode() == dns::Rcode::kNxDomain && ours) {
      if (auto found = listener.serving_.searching->find(client_)) {
        ns = *found;
        outcome = listener.answerer_.search(listener.zone_.newest(), query, ns, kMaxMessage, listener.writer_);
      }
    }
    if (outcome != Outcome::kAnswered) return answerExternal(query, outcome, {packet, ns, client_, kMaxMessage});
    finish(query);
  }

  // False when the answer is no zone: it is not ours, or not for everybody.
  bool startTransfer(const dns::Query& query, const std::string& packet) {
    TcpListener& listener = *listener_;
    const Zone& zone = listener.zone_.newest();
    if (!listener.serving_.limits.transferTo.contains(client_) || query.lowerFrom(0) != zone.domain().wire()) {
      return false;
    }
    listener.serving_.loopCounts->countRequest(Transport::kTcp, v6_, AskedZone::kCluster, query.qtype());
    transfer_ = std::make_unique<Transfer>(listener.zone_.shared(), packet, listener.serving_.answers);
    return true;
  }

  void finish(const dns::Query& query) {
    TcpListener& listener = *listener_;
    Cookies::ServerHalf half;
    if (!query.cookie().empty()) {
      half = listener.cookies_.make(query.cookie(), client_, Cookies::now());
      listener.writer_.setServerCookie({half.data(), half.size()});
    }
    auto idle = listener.serving_.limits.tcpIdle / std::chrono::milliseconds(100);
    listener.writer_.setKeepalive(static_cast<uint16_t>(std::min<int64_t>(idle, UINT16_MAX)));
    send(listener.writer_.finish());
    listener.serving_.loopCounts->countResponse(
        listener.writer_.authoritative() ? AskedZone::kCluster : AskedZone::kOther, listener.writer_.rcode(),
        std::chrono::steady_clock::now() - arrived_);
  }

  void answerExternal(const dns::Query& query, Outcome outcome, Upstreams::Request request) {
    TcpListener& listener = *listener_;
    Upstreams& upstreams = *listener.serving_.upstreams;
    const dns::Name& target = listener.answerer_.target();
    if (listener.external_.answerKnown(query, outcome, target, kMaxMessage, arrived_, listener.writer_)) {
      if (auto name = listener.external_.takeRefresh()) upstreams.refresh(*name, query);
      return finish(query);
    }
    ++forwarded_;
    auto take = [weak = weak_from_this(), counts = listener.serving_.loopCounts,
                 arrived = arrived_](std::string_view response) {
      counts->countReply(response, arrived);
      if (auto connection = weak.lock()) connection->takeReply(response);
    };
    if (upstreams.post(std::move(request), take)) return;
    --forwarded_;
    listener.writer_.setRcode(dns::Rcode::kServFail);
    finish(query);
  }

  void takeReply(std::string_view response) {
    --forwarded_;
    if (!fd_) return;
    send(response);
    proceed();
  }

  void send(std::string_view response) {
    unsent_ += static_cast<char>(response.size() >> 8);
    unsent_ += static_cast<char>(response.size());
    unsent_ += response;
  }

  bool flush() {
    size_t before = unsent_.size(), sent = 0;
    while (sent < before) {
      ssize_t count = ::send(fd_.get(), unsent_.data() + sent, before - sent, MSG_NOSIGNAL);
      if (count < 0 && errno == EINTR) continue;
      if (count < 0 && errno != EAGAIN) return false;
      if (count < 0) break;
      sent += static_cast<size_t>(count);
    }
    unsent_.erase(0, sent);
    if (sent > 0) showActivity();
    return true;
  }

  void setEvents(uint32_t events) {
    if (events != events_) listener_->loop_.modify(fd_.get(), events);
    events_ = events;
  }

  // A whole query came, or the client took something: what keeps a connection open. Single bytes don't.
  void showActivity() {
    TcpListener& listener = *listener_;
    listener.connections_.splice(listener.connections_.end(), listener.connections_, place_);
    if (timer_) listener.loop_.cancelTimer(*timer_);
    auto until = std::chrono::steady_clock::now() + listener.serving_.limits.tcpIdle;
    timer_ = listener.loop_.addTimer(until, [self = shared_from_this()] {
      self->timer_.reset();
      self->close();
    });
  }

  std::shared_ptr<TcpListener> listener_;
  base::Fd fd_;
  const bool v6_;
  const std::string client_;  // 4 or 16 bytes
  std::string in_, unsent_;
  size_t forwarded_ = 0;
  bool ended_ = false;
  uint32_t events_ = 0;
  base::MonotonicTime arrived_;
  std::unique_ptr<Transfer> transfer_;
  std::list<Connection*>::iterator place_;
  std::optional<net::EventLoop::TimerId> timer_;
};

TcpListener::TcpListener(net::EventLoop& loop, base::Fd socket, Serving& serving)
    : loop_(loop),
      socket_(std::move(socket)),
      serving_(serving),
      zone_(serving.zone),
      answerer_(serving.answers, base::randomBelow(UINT32_MAX)),
      external_(serving.upstreams->names(), serving.answers.ttl),
      cookies_(serving.cookieSecret) {}

void TcpListener::start() { loop_.add(socket_.get(), EPOLLIN, shared_from_this()); }

void TcpListener::onReady(uint32_t) {
  for (;;) {
    SocketAddress peer;
    peer.size = sizeof peer.storage;
    base::Fd fd(::accept4(socket_.get(), peer.get(), &peer.size, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!fd) return pauseIfExhausted(errno);
    auto ofClient = ofClient_.find(std::string(peer.bytes()));
    // Closed at once: the client asks again.
    if (ofClient != ofClient_.end() && ofClient->second >= serving_.limits.tcpConnectionsPerClient) continue;
    if (connections_.size() >= serving_.limits.tcpConnections && !closeIdlest()) continue;
    std::make_shared<Connection>(shared_from_this(), std::move(fd), peer)->start();
  }
}

// Else the loop would turn without a pause, as the client still waits.
void TcpListener::pauseIfExhausted(int error) {
  if (error != EMFILE && error != ENFILE && error != ENOMEM && error != ENOBUFS) return;
  kLog.warn("cannot accept connections: {}", std::strerror(error));
  loop_.modify(socket_.get(), 0);
  loop_.addTimer(std::chrono::steady_clock::now() + kExhaustedPause,
                 [self = shared_from_this()] { self->loop_.modify(self->socket_.get(), EPOLLIN); });
}

bool TcpListener::closeIdlest() {
  auto at = std::find_if(connections_.begin(), connections_.end(), [](Connection* c) { return c->idle(); });
  if (at == connections_.end()) return false;
  (*at)->shared_from_this()->close();
  return true;
}

}  // namespace wherry::clusterdns
