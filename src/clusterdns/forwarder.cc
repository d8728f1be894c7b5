#include "clusterdns/forwarder.h"

#include <cerrno>
#include <chrono>

#include <sys/epoll.h>
#include <unistd.h>

#include "base/random.h"
#include "base/strings.h"
#include "clusterdns/socket_address.h"
#include "dns/message.h"

namespace wherry::clusterdns {
namespace {

constexpr size_t kMaxUnderWay = 1024;
constexpr std::chrono::milliseconds kPerServer{1500};
constexpr size_t kMaxReply = 65535;

// The id, and the question without regard to case, are the ones that were asked.
bool answers(std::string_view reply, std::string_view query, std::string_view id) {
  auto question = dns::Query::read(query);
  if (!question || reply.size() < query.substr(0, dns::kHeaderSize).size() + question->question().size()) return false;
  bool response = static_cast<unsigned char>(reply[2]) & 0x80;
  return response && reply.substr(0, 2) == id &&
         base::equalsIgnoreCase(reply.substr(dns::kHeaderSize, question->question().size()), question->question());
}

}  // namespace

// One question on its way through the servers.
class Forwarder::Exchange : public net::EventLoop::Source, public std::enable_shared_from_this<Exchange> {
 public:
  Exchange(net::EventLoop& loop, std::vector<std::string> servers, uint16_t port, Transport transport,
           std::string query, OnReply onReply, std::shared_ptr<size_t> underWay)
      : loop_(loop),
        servers_(std::move(servers)),
        port_(port),
        transport_(transport),
        query_(std::move(query)),
        onReply_(std::move(onReply)),
        underWay_(std::move(underWay)) {
    ++*underWay_;
  }
  ~Exchange() override { --*underWay_; }

  // Asks the next server; the answer is "none" when there is no further one.
  void tryNext() {
    close();
    if (next_ == servers_.size()) return finish(std::nullopt);
    SocketAddress server = SocketAddress::of(servers_[next_++], port_);
    int type = transport_ == Transport::kUdp ? SOCK_DGRAM : SOCK_STREAM;
    fd_.reset(::socket(server.family(), type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    id_ = base::randomBytes(2);
    received_.clear();
    sent_ = false;
    if (!fd_ || (::connect(fd_.get(), server.get(), server.size) != 0 && errno != EINPROGRESS)) return tryNext();
    loop_.add(fd_.get(), EPOLLOUT, shared_from_this());
    timer_ = loop_.addTimer(loop_.now() + kPerServer, [self = shared_from_this()] {
      self->timer_.reset();
      self->tryNext();
    });
  }

  void onReady(uint32_t) override {
    auto self = shared_from_this();
    bool alive = sent_ ? receive() : send();
    if (!alive) tryNext();
  }

 private:
  bool send() {
    std::string packet = id_ + query_.substr(2);
    if (transport_ == Transport::kTcp) {
      packet.insert(0, {static_cast<char>(packet.size() >> 8), static_cast<char>(packet.size())});
    }
    // A query fits into any socket's empty buffer.
    if (::send(fd_.get(), packet.data(), packet.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(packet.size()))
      return false;
    sent_ = true;
    loop_.modify(fd_.get(), EPOLLIN);
    return true;
  }

  bool receive() {
    std::string buffer(kMaxReply + 2, '\0');
    ssize_t count = ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
    if (count < 0) return errno == EAGAIN || errno == EINTR;
    buffer.resize(static_cast<size_t>(count));
    if (transport_ == Transport::kUdp) return take(buffer), true;
    if (count == 0) return false;
    received_ += buffer;
    if (received_.size() < 2) return true;
    size_t size = static_cast<unsigned char>(received_[0]) << 8 | static_cast<unsigned char>(received_[1]);
    if (received_.size() >= 2 + size) take(received_.substr(2, size));
    return true;
  }

  // A reply to something else is as if it had not come.
  void take(std::string reply) {
    if (!answers(reply, query_, id_)) return;
    reply.replace(0, 2, query_, 0, 2);
    finish(std::move(reply));
  }

  void finish(std::optional<std::string> reply) {
    close();
    if (onReply_) std::exchange(onReply_, nullptr)(std::move(reply));
  }

  void close() {
    if (timer_) loop_.cancelTimer(*timer_);
    timer_.reset();
    if (fd_) loop_.remove(fd_.get());
    fd_.reset();
  }

  net::EventLoop& loop_;
  std::vector<std::string> servers_;
  size_t next_ = 0;
  uint16_t port_;
  Transport transport_;
  std::string query_;
  OnReply onReply_;
  std::shared_ptr<size_t> underWay_;
  base::Fd fd_;
  std::string id_;
  std::string received_;
  bool sent_ = false;
  std::optional<net::EventLoop::TimerId> timer_;
};

void Forwarder::ask(std::string query, Transport transport, OnReply onReply) {
  if (*underWay_ >= kMaxUnderWay || servers_.empty()) return onReply(std::nullopt);
  std::make_shared<Exchange>(loop_, servers_, port_, transport, std::move(query), std::move(onReply), underWay_)
      ->tryNext();
}

}  // namespace wherry::clusterdns
