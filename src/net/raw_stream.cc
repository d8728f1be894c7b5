#include "net/raw_stream.h"

#include <utility>

#include "net/answer.h"

namespace wherry::net {
namespace {

class StreamConnection : public RawConnection {
 public:
  explicit StreamConnection(std::shared_ptr<RawStream> stream) : stream_(std::move(stream)) {}
  ~StreamConnection() override { stream_->close(); }

  bool write(Bytes data) override { return stream_->write(std::move(data)); }
  void onRead(std::function<void(std::string_view)> handler) override { stream_->onRead(std::move(handler)); }
  void pauseReading(bool paused) override { stream_->pauseReading(paused); }
  void onWritable(std::function<void()> handler) override { stream_->onWritable(std::move(handler)); }
  void onClosed(std::function<void()> handler) override { stream_->onClosed(std::move(handler)); }
  void close() override { stream_->close(); }
  void setIdleTime(std::chrono::milliseconds time) override { stream_->setIdleTime(time); }

 private:
  std::shared_ptr<RawStream> stream_;
};

}  // namespace

template <typename Change>
void RawStream::update(Change change) {
  bool mustWake = state_.with([&](State& state) {
    if (state.lost || !change(state)) return false;
    return !std::exchange(state.woken, true);
  });
  if (mustWake) wake();
}

void RawStream::wake() {
  if (loop_->inLoop()) {
    if (listener_ != nullptr) listener_->onRawChange();
    return;
  }
  loop_->post([self = shared_from_this()] {
    if (self->listener_ != nullptr) self->listener_->onRawChange();
  });
}

bool RawStream::write(Bytes data) {
  bool room = true;
  update([&](State& state) {
    if (state.closing || !data || data->empty()) return false;
    state.waiting += data->size();
    state.pieces.push_back(std::move(data));
    room = state.waiting <= kHighWater;
    state.held = !room;
    return true;
  });
  return room;
}

void RawStream::onRead(std::function<void(std::string_view)> handler) {
  auto shared = std::make_shared<const std::function<void(std::string_view)>>(std::move(handler));
  update([&](State& state) {
    state.read.swap(shared);
    return true;
  });
}

void RawStream::pauseReading(bool paused) {
  update([&](State& state) { return std::exchange(state.paused, paused) != paused; });
}

void RawStream::onWritable(std::function<void()> handler) {
  state_.with([&](State& state) {
    if (!state.lost) state.writable.swap(handler);
  });
}

void RawStream::onClosed(std::function<void()> handler) {
  bool late = state_.with([&](State& state) {
    if (!state.lost) state.closed.swap(handler);
    return state.lost;
  });
  if (late && handler) loop_->post(std::move(handler));
}

void RawStream::close() {
  update([](State& state) { return !std::exchange(state.closing, true); });
}

void RawStream::setIdleTime(std::chrono::milliseconds time) {
  update([&](State& state) { return std::exchange(state.idleTime, time) != time; });
}

std::chrono::milliseconds RawStream::idleTime() const {
  return state_.with([](const State& state) { return state.idleTime; });
}

void RawStream::attach(Listener* listener) { listener_ = listener; }

bool RawStream::wantsInput() const {
  return state_.with([](const State& state) { return state.read && !state.paused && !state.closing; });
}

void RawStream::deliver(std::string_view data) {
  auto read = state_.with([](State& state) { return state.read; });
  if (read) (*read)(data);
}

bool RawStream::take(OutputQueue& out) {
  std::function<void()> writable;
  bool closing = state_.with([&](State& state) {
    state.woken = false;
    for (Bytes& piece : std::exchange(state.pieces, {})) out.append(std::move(piece));
    state.waiting = 0;
    if (std::exchange(state.held, false)) writable = state.writable;
    return state.closing;
  });
  if (writable) writable();
  return closing;
}

void RawStream::lost() {
  listener_ = nullptr;
  State gone;  // destroyed with the lock released: handlers may hold the last reference to much
  state_.with([&](State& state) {
    std::swap(gone, state);
    state.lost = true;
  });
  if (gone.closed) gone.closed();
}

std::shared_ptr<RawConnection> newRawConnection(std::shared_ptr<RawStream> stream) {
  return std::make_shared<StreamConnection>(std::move(stream));
}

}  // namespace wherry::net
