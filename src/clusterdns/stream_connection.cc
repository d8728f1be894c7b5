#include "clusterdns/stream_connection.h"

#include <cerrno>
#include <cstring>

#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/random.h"
#include "clusterdns/socket_address.h"
#include "dns/message.h"

namespace wherry::clusterdns {
namespace {

constexpr size_t kLengthSize = 2;  // RFC 1035 section 4.2.2

size_t read16(const std::string& bytes, size_t at) {
  return static_cast<size_t>(static_cast<unsigned char>(bytes[at]) << 8 | static_cast<unsigned char>(bytes[at + 1]));
}

void put16(std::string& bytes, size_t at, size_t value) {
  bytes[at] = static_cast<char>(value >> 8);
  bytes[at + 1] = static_cast<char>(value);
}

}  // namespace

std::shared_ptr<StreamConnection> StreamConnection::open(net::EventLoop& loop, const Upstream& upstream,
                                                         std::shared_ptr<const net::TlsContext> tls) {
  std::string name = upstream.tlsName.empty() ? upstream.address : upstream.tlsName;
  std::shared_ptr<StreamConnection> connection(new StreamConnection(loop, std::move(name), std::move(tls)));
  connection->connect(upstream);
  return connection;
}

void StreamConnection::connect(const Upstream& upstream) {
  SocketAddress address = SocketAddress::of(upstream.address, upstream.port);
  socket_.reset(::socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket_ || (::connect(socket_.get(), address.get(), address.size) != 0 && errno != EINPROGRESS)) {
    return lose(std::strerror(errno));
  }
  fd_ = socket_.get();
  events_ = EPOLLOUT;
  loop_.add(fd_, events_, shared_from_this());
}

StreamConnection::Ticket StreamConnection::ask(std::string query, OnAnswer onAnswer) {
  if (idle_) loop_.cancelTimer(*std::exchange(idle_, std::nullopt));
  Ticket ticket;
  do {
    ticket = static_cast<Ticket>(base::randomBelow(65536));
  } while (waiting_.contains(ticket));
  waiting_.emplace(ticket, std::move(onAnswer));
  put16(query, 0, ticket);
  std::string length(kLengthSize, '\0');
  put16(length, 0, query.size());
  unsent_ += length + query;
  // Sent on the loop's next turn, so that nobody is called back from here.
  if (fd_ >= 0) watch();
  return ticket;
}

void StreamConnection::forget(Ticket ticket) {
  if (waiting_.erase(ticket) > 0 && waiting_.empty()) idleFromNow();
}

void StreamConnection::retire() {
  retired_ = true;
  if (waiting_.empty()) close();
}

void StreamConnection::onReady(uint32_t events) {
  auto self = shared_from_this();
  if (fd_ < 0) return;
  if (stage_ != Stage::kOpen && !establish(events)) return;
  if (stage_ == Stage::kOpen && (!flush() || !receive())) return;
  if (fd_ >= 0) watch();
}

// False once it is lost.
bool StreamConnection::establish(uint32_t) {
  if (stage_ == Stage::kConnecting) {
    int error = 0;
    socklen_t size = sizeof error;
    ::getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) return lose(std::strerror(error)), false;
    transport_ = tls_ ? tls_->wrap(std::move(socket_), tlsName_) : net::newPlainTransport(std::move(socket_));
    stage_ = Stage::kHandshaking;
  }
  switch (transport_->handshake()) {
    case net::IoStatus::kOk:
      stage_ = Stage::kOpen;
      return true;
    case net::IoStatus::kBlocked:
      return true;
    default:
      return lose(transport_->failure()), false;
  }
}

bool StreamConnection::flush() {
  while (!unsent_.empty()) {
    net::IoResult result = transport_->write(unsent_);
    if (result.status == net::IoStatus::kBlocked) return true;
    if (result.status != net::IoStatus::kOk) return lose(transport_->failure()), false;
    unsent_.erase(0, result.count);
  }
  return true;
}

bool StreamConnection::receive() {
  do {
    char* buffer = loop_.readBuffer();
    net::IoResult result = transport_->read(buffer, net::EventLoop::kBufferSize);
    if (result.status == net::IoStatus::kBlocked) return true;
    if (result.status != net::IoStatus::kOk || result.count == 0) return lose("the resolver closed it"), false;
    in_.append(buffer, result.count);
    if (!takeMessages()) return false;
  } while (transport_->hasBuffered());
  return true;
}

// Hands over whole messages; one that nobody asked for ends the connection, since what is behind it is anybody's guess.
bool StreamConnection::takeMessages() {
  while (in_.size() >= kLengthSize) {
    size_t size = read16(in_, 0);
    if (in_.size() < kLengthSize + size) return true;
    std::string message = in_.substr(kLengthSize, size);
    in_.erase(0, kLengthSize + size);
    if (size < dns::kHeaderSize) return lose("a message without a header"), false;
    answered_ = true;
    auto at = waiting_.find(static_cast<Ticket>(read16(message, 0)));
    if (at == waiting_.end()) continue;  // it was forgotten
    OnAnswer onAnswer = std::move(at->second);
    waiting_.erase(at);
    if (waiting_.empty()) idleFromNow();
    onAnswer(std::move(message));
    if (lost_ || fd_ < 0) return false;
  }
  return true;
}

void StreamConnection::watch() {
  bool writing = stage_ == Stage::kConnecting || (stage_ == Stage::kOpen && !unsent_.empty()) ||
                 (transport_ && transport_->wantsWrite());
  uint32_t events = (stage_ == Stage::kConnecting ? 0u : EPOLLIN) | (writing ? EPOLLOUT : 0u);
  if (events != events_) loop_.modify(fd_, events);
  events_ = events;
}

void StreamConnection::lose(std::string why) {
  lost_ = true;
  failure_ = std::move(why);
  close();
  auto waiting = std::exchange(waiting_, {});
  if (waiting.empty()) return;
  // Not from within whoever opened it or asked.
  loop_.post([waiting = std::move(waiting)] {
    for (const auto& [ticket, onAnswer] : waiting) onAnswer(std::nullopt);
  });
}

void StreamConnection::close() {
  lost_ = true;
  if (idle_) loop_.cancelTimer(*std::exchange(idle_, std::nullopt));
  if (fd_ >= 0) loop_.remove(fd_);
  fd_ = -1;
  transport_.reset();
  socket_.reset();
}

void StreamConnection::idleFromNow() {
  if (lost_) return;
  if (retired_) return close();
  if (idle_) loop_.cancelTimer(*idle_);
  idle_ = loop_.addTimer(std::chrono::steady_clock::now() + kIdle, [weak = weak_from_this()] {
    auto self = weak.lock();
    if (!self) return;
    self->idle_.reset();
    self->close();
  });
}

}  // namespace wherry::clusterdns
