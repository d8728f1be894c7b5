#include "clusterdns/tcp_listener.h"

#include <cerrno>
#include <chrono>

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/random.h"

namespace wherry::clusterdns {
namespace {

constexpr std::chrono::seconds kIdle{10};  // RFC 7766 section 6.2.3
constexpr size_t kMaxMessage = 65535;
constexpr size_t kMaxUnsent = 256 << 10;

}  // namespace

class TcpListener::Connection : public net::EventLoop::Source, public std::enable_shared_from_this<Connection> {
 public:
  Connection(std::shared_ptr<TcpListener> listener, base::Fd fd) : listener_(std::move(listener)), fd_(std::move(fd)) {
    ++listener_->connections_;
  }
  ~Connection() override { --listener_->connections_; }

  void start() {
    listener_->loop_.add(fd_.get(), EPOLLIN, shared_from_this());
    restartTimer();
  }

  void onReady(uint32_t events) override {
    auto self = shared_from_this();
    if (events & (EPOLLERR | EPOLLHUP)) return close();
    if ((events & EPOLLOUT) && !flush()) return close();
    if ((events & EPOLLIN) && !receive()) close();
  }

 private:
  bool receive() {
    char* buffer = listener_->loop_.readBuffer();
    ssize_t count = ::recv(fd_.get(), buffer, net::EventLoop::kBufferSize, 0);
    if (count < 0) return errno == EAGAIN || errno == EINTR;
    if (count == 0) return false;
    in_.append(buffer, static_cast<size_t>(count));
    restartTimer();
    while (in_.size() >= 2) {
      size_t size = static_cast<unsigned char>(in_[0]) << 8 | static_cast<unsigned char>(in_[1]);
      if (in_.size() < 2 + size) break;
      if (!answer(in_.substr(2, size)) || unsent_.size() > kMaxUnsent) return false;
      in_.erase(0, 2 + size);
    }
    return flush();
  }

  bool answer(const std::string& packet) {
    auto query = dns::Query::read(packet);
    if (!query) return false;
    TcpListener& listener = *listener_;
    listener.answerer_.setUpstream(listener.upstreams_->available());
    Outcome outcome = listener.answerer_.answer(listener.zone_.newest(), *query, kMaxMessage, listener.writer_);
    if (outcome == Outcome::kAnswered) {
      send(listener.writer_.finish());
      return true;
    }
    listener.upstreams_->post(packet, outcome, listener.answerer_.target(), Transport::kTcp, kMaxMessage,
                              [weak = weak_from_this()](std::string_view response) {
                                auto connection = weak.lock();
                                if (!connection || !connection->fd_) return;
                                connection->send(response);
                                if (!connection->flush()) connection->close();
                              });
    return true;
  }

  void send(std::string_view response) {
    unsent_ += static_cast<char>(response.size() >> 8);
    unsent_ += static_cast<char>(response.size());
    unsent_ += response;
  }

  bool flush() {
    while (!unsent_.empty()) {
      ssize_t count = ::send(fd_.get(), unsent_.data(), unsent_.size(), MSG_NOSIGNAL);
      if (count < 0 && errno == EINTR) continue;
      if (count < 0 && errno != EAGAIN) return false;
      if (count < 0) break;
      unsent_.erase(0, static_cast<size_t>(count));
    }
    listener_->loop_.modify(fd_.get(), unsent_.empty() ? EPOLLIN : EPOLLIN | EPOLLOUT);
    return true;
  }

  void restartTimer() {
    if (timer_) listener_->loop_.cancelTimer(*timer_);
    timer_ = listener_->loop_.addTimer(listener_->loop_.now() + kIdle, [self = shared_from_this()] {
      self->timer_.reset();
      self->close();
    });
  }

  void close() {
    if (timer_) listener_->loop_.cancelTimer(*timer_);
    timer_.reset();
    if (fd_) listener_->loop_.remove(fd_.get());
    fd_.reset();
  }

  std::shared_ptr<TcpListener> listener_;
  base::Fd fd_;
  std::string in_, unsent_;
  std::optional<net::EventLoop::TimerId> timer_;
};

TcpListener::TcpListener(net::EventLoop& loop, base::Fd socket, const SharedZone& zone, AnswerOptions answers,
                         std::shared_ptr<Upstreams> upstreams, size_t maxConnections)
    : loop_(loop),
      socket_(std::move(socket)),
      zone_(zone),
      answerer_(answers, base::randomBelow(UINT32_MAX)),
      upstreams_(std::move(upstreams)),
      maxConnections_(maxConnections) {}

void TcpListener::start() { loop_.add(socket_.get(), EPOLLIN, shared_from_this()); }

void TcpListener::onReady(uint32_t) {
  for (;;) {
    base::Fd fd(::accept4(socket_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!fd) return;
    if (connections_ >= maxConnections_) continue;  // closed at once: the client asks again
    std::make_shared<Connection>(shared_from_this(), std::move(fd))->start();
  }
}

}  // namespace wherry::clusterdns
