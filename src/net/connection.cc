#include "net/connection.h"

#include <sys/epoll.h>

namespace wherry::net {
namespace {

constexpr int kReadsPerTurn = 16;
constexpr size_t kBytesPerTurn = 1 << 20;  // sent, before other connections have their turn
constexpr std::chrono::seconds kDropTime{2};

}  // namespace

Connection::Connection(std::shared_ptr<EventLoop> loop, std::unique_ptr<Transport> transport,
                       std::shared_ptr<Peer> peer, std::chrono::milliseconds handshakeTime,
                       ProtocolFactory protocolFactory, ClosedHandler onClosed)
    : loop_(std::move(loop)),
      transport_(std::move(transport)),
      peer_(std::move(peer)),
      handshakeTime_(handshakeTime),
      protocolFactory_(std::move(protocolFactory)),
      onClosed_(std::move(onClosed)) {}

void Connection::start() {
  events_ = EPOLLIN;
  loop_->add(transport_->fd(), events_, shared_from_this());
  setDeadlineIn(handshakeTime_);
  progress(true);
}

void Connection::onReady(uint32_t events) {
  if (closed_) return;
  if (events == 0) deferred_ = false;
  // Nobody reads: this is the only sign that the other side has gone.
  bool reads = (events_ & EPOLLIN) != 0;
  if ((events & EPOLLERR) != 0 || (!reads && (events & (EPOLLRDHUP | EPOLLHUP)) != 0)) return close();
  if ((events & EPOLLOUT) != 0) stalled_ = false;
  progress((events & (EPOLLIN | EPOLLHUP)) != 0 || transport_->wantsWrite() || inputLeft_);
}

void Connection::progress(bool readable) {
  auto self = shared_from_this();
  if (!protocol_ && !shakeHands()) return;
  inProgress_ = true;
  if (readable) receive();
  if (!closed_) send();
  inProgress_ = false;
  replaced_.reset();
  if (!closed_) watchFor(wantedEvents());
}

bool Connection::shakeHands() {
  IoStatus status = transport_->handshake();
  if (status == IoStatus::kBlocked) {
    watchFor(transport_->wantsWrite() ? EPOLLOUT : EPOLLIN);
    return false;
  }
  if (status != IoStatus::kOk) {
    close();
    return false;
  }
  PeerName name = transport_->peerName();
  peer_->commonName = std::move(name.commonName);
  peer_->organizations = std::move(name.organizations);
  protocol_ = protocolFactory_(*this);
  protocolFactory_ = nullptr;
  if (draining_) protocol_->onDrain();
  return true;
}

// What comes once the connection is ending is read and dropped.
bool Connection::readsInput() const { return ending_ != Ending::kNot || protocol_->wantsInput(); }

void Connection::receive() {
  inputLeft_ = false;
  for (int i = 0; i < kReadsPerTurn && readsInput(); ++i) {
    if (!receiveOnce()) return;
    // The descriptor tells of what it holds itself, not of what was taken off it.
    if (!transport_->hasBuffered()) return;
  }
  inputLeft_ = true;
  if (readsInput()) deferSelf();
}

// False when there is nothing more for now.
bool Connection::receiveOnce() {
  IoResult result = transport_->read(loop_->readBuffer(), EventLoop::kBufferSize);
  if (result.status == IoStatus::kBlocked) return false;
  if (result.status != IoStatus::kOk) {
    close();
    return false;
  }
  if (ending_ == Ending::kNot) protocol_->onInput({loop_->readBuffer(), result.count});
  return !closed_;
}

void Connection::send() {
  size_t sent = 0;
  while (!stalled_) {
    moreToFill_ = false;
    if (ending_ == Ending::kNot) protocol_->fill();
    if (closed_) return;
    if (output_.empty() && moreToFill_) continue;
    if (output_.empty()) return outputSent();
    if (sent > kBytesPerTurn) return deferSelf();
    IoResult result = transport_->write(output_.front(loop_->gatherBuffer(), EventLoop::kBufferSize));
    if (result.status == IoStatus::kFailed) return close();
    output_.consume(result.count);
    sent += result.count;
    if (result.status == IoStatus::kBlocked) {
      stalled_ = true;
      protocol_->onStall();
    }
  }
}

void Connection::outputSent() {
  if (ending_ == Ending::kAfterOutput) return close();
  if (ending_ == Ending::kAfterOutputAndInput) {
    ending_ = Ending::kDropping;
    transport_->endWriting();
    setDeadlineIn(kDropTime);
  }
  if (inputLeft_ && readsInput()) deferSelf();
}

uint32_t Connection::wantedEvents() const {
  uint32_t events = readsInput() ? EPOLLIN : EPOLLRDHUP;
  if (stalled_ || transport_->wantsWrite()) events |= EPOLLOUT;
  return events;
}

void Connection::watchFor(uint32_t events) {
  if (events == events_) return;
  events_ = events;
  loop_->modify(transport_->fd(), events);
}

void Connection::progressSoon() {
  moreToFill_ = true;  // even by what fill() itself set going: the next request of a pipeline, answered at once
  if (!inProgress_) deferSelf();
}

void Connection::deferSelf() {
  if (closed_ || deferred_) return;
  deferred_ = true;
  loop_->defer(shared_from_this());
}

void Connection::switchTo(std::unique_ptr<Protocol> protocol) {
  replaced_ = std::exchange(protocol_, std::move(protocol));
  progressSoon();
}

void Connection::setDeadline(base::MonotonicTime when) {
  deadline_ = when;
  if (timer_ && timer_->first <= when) return;
  if (timer_) loop_->cancelTimer(*timer_);
  armTimer();
}

void Connection::armTimer() {
  timer_ = loop_->addTimer(*deadline_, [self = weak_from_this()] {
    if (auto connection = self.lock()) connection->onTimer();
  });
}

void Connection::onTimer() {
  timer_.reset();
  if (closed_ || !deadline_) return;
  if (*deadline_ > loop_->now()) return armTimer();
  deadline_.reset();
  if (!protocol_ || ending_ != Ending::kNot) return close();
  protocol_->onDeadline();
  progressSoon();
}

void Connection::drain() {
  draining_ = true;
  if (protocol_) protocol_->onDrain();
  progressSoon();
}

void Connection::close() {
  if (closed_) return;
  closed_ = true;
  auto self = shared_from_this();
  if (timer_) loop_->cancelTimer(*timer_);
  loop_->remove(transport_->fd());
  transport_->endWriting();
  output_.clear();
  if (protocol_) protocol_->onClosed();
  onClosed_(self);
}

}  // namespace wherry::net
