#include "net/socket_stream.h"

#include <cerrno>
#include <cstring>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/guarded.h"
#include "base/strings.h"
#include "net/answer.h"
#include "net/output_queue.h"
#include "net/tls.h"

namespace wherry::net {
namespace {

constexpr int kReadsPerTurn = 16;

// The socket's side, on the loop's thread but for what the lock guards.
class SocketStream : public EventLoop::Source, public std::enable_shared_from_this<SocketStream> {
 public:
  SocketStream(std::shared_ptr<EventLoop> loop, std::unique_ptr<Transport> transport)
      : loop_(std::move(loop)), transport_(std::move(transport)) {}

  bool write(std::string_view data);
  void finish() {
    update([](State& state) { return !std::exchange(state.finished, true); });
  }
  void onWritable(std::function<void()> handler) { setHandler(&State::writable, std::move(handler)); }
  void onClosed(std::function<void()> handler);
  void onRead(std::function<void(std::string_view)> handler);
  void onEnd(std::function<void()> handler);
  void pauseReading(bool paused) {
    update([&](State& state) { return std::exchange(state.paused, paused) != paused; });
  }
  void close() {
    update([](State& state) { return !std::exchange(state.closing, true); });
  }

  void onReady(uint32_t events) override;

 private:
  struct State {
    std::string waiting;
    bool finished = false;  // nothing comes behind `waiting`
    bool paused = false;
    bool closing = false;
    bool lost = false;
    bool held = false;
    bool woken = false;
    std::shared_ptr<const std::function<void(std::string_view)>> read;
    std::function<void()> end, writable, closed;
  };

  template <typename Change>
  void update(Change change);
  void setHandler(std::function<void()> State::*which, std::function<void()> handler);
  void progress(bool readable);
  bool shakeHands();
  void receive();
  void sayEnd();
  bool takeOutput();
  void send();
  void watch();
  void watchFor(uint32_t events);
  void lose();

  const std::shared_ptr<EventLoop> loop_;
  std::unique_ptr<Transport> transport_;  // null once lost
  OutputQueue output_;
  bool handshaken_ = false;
  bool watched_ = false;
  uint32_t events_ = 0;
  bool readEnded_ = false, endSaid_ = false;
  bool finished_ = false, writeEnded_ = false;
  bool hungUp_ = false;  // both ways are shut: the loop would tell so again and again
  bool gone_ = false;
  base::Guarded<State> state_;
};

template <typename Change>
void SocketStream::update(Change change) {
  bool mustWake = state_.with([&](State& state) {
    if (state.lost || !change(state)) return false;
    return !std::exchange(state.woken, true);
  });
  if (mustWake) loop_->post([self = shared_from_this()] { self->progress(false); });
}

bool SocketStream::write(std::string_view data) {
  bool room = true;
  update([&](State& state) {
    if (state.finished || data.empty()) return false;
    state.waiting.append(data);
    room = state.waiting.size() <= kHighWater;
    state.held = !room;
    return true;
  });
  return room;
}

void SocketStream::setHandler(std::function<void()> State::*which, std::function<void()> handler) {
  state_.with([&](State& state) {
    if (!state.lost) (state.*which).swap(handler);
  });
}

void SocketStream::onClosed(std::function<void()> handler) {
  bool late = state_.with([&](State& state) {
    if (!state.lost) state.closed.swap(handler);
    return state.lost;
  });
  if (late && handler) loop_->post(std::move(handler));
}

void SocketStream::onRead(std::function<void(std::string_view)> handler) {
  auto shared = std::make_shared<const std::function<void(std::string_view)>>(std::move(handler));
  update([&](State& state) {
    state.read.swap(shared);
    return true;
  });
}

void SocketStream::onEnd(std::function<void()> handler) {
  update([&](State& state) {
    state.end.swap(handler);
    return true;
  });
}

void SocketStream::onReady(uint32_t events) {
  if ((events & EPOLLERR) != 0) return lose();
  hungUp_ = (events & EPOLLHUP) != 0;
  progress(true);
}

void SocketStream::progress(bool readable) {
  auto self = shared_from_this();
  if (gone_) return;
  bool closing = state_.with([](State& state) {
    state.woken = false;
    return state.closing;
  });
  if (closing) return lose();
  if (!handshaken_ && !shakeHands()) return;
  send();
  if (!gone_ && (readable || transport_->hasBuffered())) receive();
  if (!gone_) sayEnd();
  if (!gone_ && endSaid_ && writeEnded_) return lose();
  if (!gone_) watch();
}

bool SocketStream::shakeHands() {
  IoStatus status = transport_->handshake();
  handshaken_ = status == IoStatus::kOk;
  if (!handshaken_ && status != IoStatus::kBlocked) lose();
  if (status == IoStatus::kBlocked) watchFor(transport_->wantsWrite() ? EPOLLOUT : EPOLLIN);
  return handshaken_;
}

void SocketStream::receive() {
  for (int i = 0; i < kReadsPerTurn && !readEnded_; ++i) {
    auto read = state_.with([](State& state) { return state.paused || state.closing ? nullptr : state.read; });
    if (!read) return;
    IoResult result = transport_->read(loop_->readBuffer(), EventLoop::kBufferSize);
    if (result.status == IoStatus::kBlocked) return;
    if (result.status == IoStatus::kFailed) return lose();
    readEnded_ = result.status == IoStatus::kEnded;
    if (!readEnded_) (*read)({loop_->readBuffer(), result.count});
  }
  if (!readEnded_ && transport_->hasBuffered()) loop_->defer(shared_from_this());
}

void SocketStream::sayEnd() {
  if (!readEnded_ || endSaid_) return;
  auto end = state_.with([](State& state) { return std::exchange(state.end, nullptr); });
  if (!end) return;
  endSaid_ = true;
  end();
}

// False when there is nothing to send.
bool SocketStream::takeOutput() {
  std::function<void()> writable;
  state_.with([&](State& state) {
    if (!state.waiting.empty()) output_.append(std::exchange(state.waiting, {}));
    if (std::exchange(state.held, false)) writable = state.writable;
    finished_ = state.finished;
  });
  if (writable) writable();
  return !output_.empty();
}

void SocketStream::send() {
  while (!output_.empty() || takeOutput()) {
    IoResult result = transport_->write(output_.front(loop_->gatherBuffer(), EventLoop::kBufferSize));
    if (result.status == IoStatus::kFailed) return lose();
    output_.consume(result.count);
    if (result.status == IoStatus::kBlocked) return;
  }
  if (!finished_ || writeEnded_) return;
  writeEnded_ = true;
  transport_->endWriting();
}

void SocketStream::watch() {
  bool reads = !readEnded_ && state_.with([](State& state) { return state.read && !state.paused; });
  uint32_t events = (reads ? EPOLLIN : 0U) | (!output_.empty() || transport_->wantsWrite() ? EPOLLOUT : 0U);
  watchFor(events);
}

void SocketStream::watchFor(uint32_t events) {
  bool wanted = !(hungUp_ && events == 0);
  if (std::exchange(watched_, wanted) != wanted) {
    if (wanted) {
      loop_->add(transport_->fd(), events, shared_from_this());
    } else {
      loop_->remove(transport_->fd());
    }
  } else if (wanted && events != events_) {
    loop_->modify(transport_->fd(), events);
  }
  events_ = events;
}

void SocketStream::lose() {
  if (std::exchange(gone_, true)) return;
  auto self = shared_from_this();
  if (std::exchange(watched_, false)) loop_->remove(transport_->fd());
  State gone;  // destroyed with the lock released: handlers may hold the last reference to much
  state_.with([&](State& state) {
    std::swap(gone, state);
    state.lost = true;
  });
  if (!writeEnded_) transport_->endWriting();
  transport_.reset();
  if (gone.closed) gone.closed();
}

// The user's end; closes the connection when its last reference goes.
class SocketStreamEnd : public ByteStream {
 public:
  explicit SocketStreamEnd(std::shared_ptr<SocketStream> stream) : stream_(std::move(stream)) {}
  ~SocketStreamEnd() override { stream_->close(); }

  bool write(std::string_view data) override { return stream_->write(data); }
  void finish() override { stream_->finish(); }
  void onWritable(std::function<void()> handler) override { stream_->onWritable(std::move(handler)); }
  void onClosed(std::function<void()> handler) override { stream_->onClosed(std::move(handler)); }
  void onRead(std::function<void(std::string_view)> handler) override { stream_->onRead(std::move(handler)); }
  void onEnd(std::function<void()> handler) override { stream_->onEnd(std::move(handler)); }
  void pauseReading(bool paused) override { stream_->pauseReading(paused); }
  void close() override { stream_->close(); }

 private:
  std::shared_ptr<SocketStream> stream_;
};

// A connection under way.
class Connecting : public EventLoop::Source, public std::enable_shared_from_this<Connecting> {
 public:
  Connecting(std::shared_ptr<EventLoop> loop, OnConnected done) : loop_(std::move(loop)), done_(std::move(done)) {}

  void start(const Endpoint& endpoint, std::chrono::milliseconds atMost) {
    try {
      socket_ = beginConnect(endpoint);
    } catch (const std::system_error& error) {
      return done_(nullptr, "connect: " + base::toLower(error.code().message()));
    }
    loop_->add(socket_.get(), EPOLLOUT, shared_from_this());
    timer_ = loop_->addTimer(loop_->now() + atMost, [self = shared_from_this()] {
      self->loop_->remove(self->socket_.get());
      self->done_(nullptr, "i/o timeout");
    });
  }

  void onReady(uint32_t) override {
    auto self = shared_from_this();
    loop_->cancelTimer(timer_);
    loop_->remove(socket_.get());
    if (int error = connectError(socket_.get())) {
      return done_(nullptr, "connect: " + base::toLower(std::strerror(error)));
    }
    done_(newSocketStream(loop_, newPlainTransport(std::move(socket_))), "");
  }

 private:
  const std::shared_ptr<EventLoop> loop_;
  const OnConnected done_;
  base::Fd socket_;
  EventLoop::TimerId timer_;
};

}  // namespace

struct StreamDialer::State {
  std::once_flag started;
  std::shared_ptr<EventLoop> loop = std::make_shared<EventLoop>();
  std::shared_ptr<const TlsContext> tls;
  std::jthread thread;
};

StreamDialer::StreamDialer() : state_(std::make_unique<State>()) {}

StreamDialer::~StreamDialer() { state_->loop->stop(); }

std::shared_ptr<EventLoop> StreamDialer::loop() {
  std::call_once(state_->started, [this] {
    state_->tls = newTlsClient({});
    state_->thread = std::jthread([loop = state_->loop] { loop->run(); });
  });
  return state_->loop;
}

void StreamDialer::connect(const Endpoint& endpoint, std::chrono::milliseconds atMost, OnConnected done) {
  connectStream(loop(), endpoint, atMost, std::move(done));
}

// The two ends of a local pair: what is deciphered at one is plain at the other, whatever carries it further.
ByteStreamPtr StreamDialer::secure(ByteStreamPtr plain) {
  auto own = loop();
  int fds[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) != 0) return nullptr;
  base::Fd inner(fds[0]), outer(fds[1]);
  splice(std::move(plain), newSocketStream(own, newPlainTransport(std::move(outer))), nullptr);
  return newSocketStream(own, state_->tls->wrap(std::move(inner), ""));
}

ByteStreamPtr newSocketStream(std::shared_ptr<EventLoop> loop, std::unique_ptr<Transport> transport) {
  return std::make_shared<SocketStreamEnd>(std::make_shared<SocketStream>(std::move(loop), std::move(transport)));
}

void connectStream(std::shared_ptr<EventLoop> loop, const Endpoint& endpoint, std::chrono::milliseconds atMost,
                   OnConnected done) {
  auto connecting = std::make_shared<Connecting>(loop, std::move(done));
  loop->post([connecting, endpoint, atMost] { connecting->start(endpoint, atMost); });
}

}  // namespace wherry::net
