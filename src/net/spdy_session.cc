#include "net/spdy_session.h"

#include <algorithm>
#include <utility>

#include "net/spdy_connection.h"

namespace wherry::net {
namespace {

constexpr size_t kMaxWaiting = 1 << 20;     // bytes that have come and were not taken
constexpr size_t kMaxAnswers = 256;         // control frames sent while the client takes nothing
constexpr size_t kFrameSize = 32 << 10;     // of the data we send
constexpr uint32_t kWindowStep = 32 << 10;  // bytes taken, before the client is told

// The user's end.
class StreamEnd : public SpdyStream {
 public:
  StreamEnd(std::shared_ptr<SpdyConnection> session, SpdyChannelPtr channel)
      : session_(std::move(session)), channel_(std::move(channel)) {}
  ~StreamEnd() override { session_->reset(channel_); }

  uint32_t id() const override { return channel_->id; }
  const Headers& fields() const override { return channel_->fields; }
  bool write(std::string_view data) override { return session_->write(*channel_, data); }
  void finish() override { session_->finish(channel_); }
  void onWritable(std::function<void()> handler) override {
    session_->setHandler(*channel_, &SpdyChannel::writable, std::move(handler));
  }
  void onClosed(std::function<void()> handler) override {
    session_->setHandler(*channel_, &SpdyChannel::closedHandler, std::move(handler));
  }
  void onRead(std::function<void(std::string_view)> handler) override { channel_->inlet.onRead(std::move(handler)); }
  void onEnd(std::function<void()> handler) override { channel_->inlet.onEnd(std::move(handler)); }
  void pauseReading(bool paused) override { channel_->inlet.pause(paused); }
  void close() override { session_->reset(channel_); }

 private:
  std::shared_ptr<SpdyConnection> session_;
  SpdyChannelPtr channel_;
};

}  // namespace

// The inlet is only used by who holds the session.
SpdyChannel::SpdyChannel(SpdyConnection& session, uint32_t number, Headers opening)
    : id(number),
      fields(std::move(opening)),
      inlet({[this, &session](size_t count) { session.taken(*this, count); },
             [this, &session] { session.inputOver(*this); }}) {}

SpdyStreamPtr SpdyConnection::userEnd(SpdyChannelPtr channel) {
  return std::make_shared<StreamEnd>(shared_from_this(), std::move(channel));
}

void SpdyConnection::start() {
  connection_->onWritable([self = weak_from_this()] {
    if (auto session = self.lock()) session->onWritable();
  });
  connection_->onClosed([self = shared_from_this()] { self->onLost(); });
  connection_->onRead([self = weak_from_this()](std::string_view input) {
    if (auto session = self.lock()) session->onInput(input);
  });
}

void SpdyConnection::taken(SpdyChannel& channel, size_t count) {
  state_.with([&](State& state) {
    state.waiting -= count;
    pace(state);
    noteTaken(state, count);
    if (channel.closed) return;
    channel.taken += static_cast<uint32_t>(count);
    if (channel.taken >= kWindowStep) {
      send(state, spdyWindowUpdate(channel.id, std::exchange(channel.taken, 0)));
    }
  });
}

void SpdyConnection::noteTaken(State& state, size_t count) {
  state.taken += static_cast<uint32_t>(count);
  if (state.taken >= kWindowStep) send(state, spdyWindowUpdate(0, std::exchange(state.taken, 0)));
}

void SpdyConnection::inputOver(SpdyChannel& channel) {
  Removed removed = state_.with([&](State& state) {
    channel.inputOver = true;
    return removeIfOver(state, channel);
  });
  endOf(removed, true);
}

// Reads on, or not.
void SpdyConnection::pace(State& state) {
  size_t most = state.paused ? kMaxWaiting / 2 : kMaxWaiting;
  bool paused = state.waiting > most || state.answers > kMaxAnswers;
  if (std::exchange(state.paused, paused) != paused) connection_->pauseReading(paused);
}

void SpdyConnection::send(State& state, std::string frame) {
  if (state.lost || state.goodbyeSaid) return;
  if (!connection_->write(std::make_shared<const std::string>(std::move(frame)))) state.full = true;
}

void SpdyConnection::answer(State& state, std::string frame) {
  send(state, std::move(frame));
  if (state.full) ++state.answers;
  pace(state);
}

bool SpdyConnection::write(SpdyChannel& channel, std::string_view data) {
  return state_.with([&](State& state) {
    if (channel.closed || channel.finished || data.empty()) return true;
    if (channel.pending.empty()) {
      sendData(state, channel, data);
    } else {
      channel.pending.append(data);
    }
    channel.held = state.full || !channel.pending.empty();
    return !channel.held;
  });
}

void SpdyConnection::sendData(State& state, SpdyChannel& channel, std::string_view data) {
  while (!data.empty()) {
    size_t size = std::min(data.size(), kFrameSize);
    if (state.keepsWindows) {
      int64_t window = std::max<int64_t>(0, std::min(channel.sendWindow, state.sendWindow));
      size = std::min(size, static_cast<size_t>(window));
    }
    if (size == 0) break;
    send(state, spdyData(channel.id, data.substr(0, size), false));
    channel.sendWindow -= static_cast<int64_t>(size);
    state.sendWindow -= static_cast<int64_t>(size);
    data.remove_prefix(size);
  }
  channel.pending.append(data);
}

void SpdyConnection::flush(State& state, SpdyChannel& channel) {
  std::string data = std::exchange(channel.pending, {});
  sendData(state, channel, data);
  if (!channel.pending.empty() || !channel.finished || std::exchange(channel.finSent, true)) return;
  send(state, spdyData(channel.id, {}, true));
}

void SpdyConnection::finish(const SpdyChannelPtr& channel) {
  Removed removed = state_.with([&](State& state) {
    if (channel->closed || std::exchange(channel->finished, true)) return Removed();
    flush(state, *channel);
    return removeIfOver(state, *channel);
  });
  endOf(removed, true);
}

void SpdyConnection::setHandler(SpdyChannel& channel, std::function<void()> SpdyChannel::*which,
                                std::function<void()> handler) {
  bool late = state_.with([&](State&) {
    if (!channel.closed) (channel.*which).swap(handler);
    return channel.closed;
  });
  if (late && which == &SpdyChannel::closedHandler && handler) handler();
}

void SpdyConnection::reset(const SpdyChannelPtr& channel) {
  Removed removed = state_.with([&](State& state) {
    if (channel->closed) return Removed();
    answer(state, spdyRstStream(channel->id, SpdyStatus::kCancel));
    return remove(state, *channel);
  });
  endOf(removed, false);
}

SpdyConnection::Removed SpdyConnection::removeIfOver(State& state, SpdyChannel& channel) {
  return channel.finSent && channel.inputOver ? remove(state, channel) : Removed();
}

SpdyConnection::Removed SpdyConnection::remove(State& state, SpdyChannel& channel) {
  if (std::exchange(channel.closed, true)) return {};
  channel.pending.clear();
  auto node = state.channels.extract(channel.id);
  return {std::move(node.mapped()), std::exchange(channel.writable, nullptr),
          std::exchange(channel.closedHandler, nullptr)};
}

void SpdyConnection::endOf(const Removed& removed, bool tell) {
  if (!removed.channel) return;
  if (size_t dropped = removed.channel->inlet.close()) taken(*removed.channel, dropped);
  state_.with([&](State& state) { sayGoodbye(state); });
  if (tell && removed.closed) removed.closed();
}

SpdyConnection::HandlerList SpdyConnection::writableNow(State& state) {
  HandlerList handlers;
  if (state.full) return handlers;
  for (auto& [id, channel] : state.channels) {
    if (!channel->held || !channel->pending.empty()) continue;
    channel->held = false;
    if (channel->writable) handlers.push_back(channel->writable);
  }
  return handlers;
}

void SpdyConnection::onWritable() {
  auto handlers = state_.with([&](State& state) {
    state.full = false;
    state.answers = 0;
    pace(state);
    return writableNow(state);
  });
  for (const auto& each : handlers) each();
}

void SpdyConnection::close() {
  state_.with([&](State& state) {
    state.closing = true;
    sayGoodbye(state);
  });
}

void SpdyConnection::sayGoodbye(State& state) {
  if (!state.closing || state.goodbyeSaid) return;
  bool waits = std::ranges::any_of(state.channels, [](const auto& pair) { return !pair.second->pending.empty(); });
  if (waits) return;
  send(state, spdyGoAway(state.lastStream, false));
  state.goodbyeSaid = true;
  connection_->close();
}

void SpdyConnection::onLost() {
  std::vector<Removed> all;
  state_.with([&](State& state) {
    state.lost = true;
    auto channels = state.channels;
    for (auto& [id, channel] : channels) all.push_back(remove(state, *channel));
  });
  for (const Removed& removed : all) endOf(removed, true);
  Handlers handlers = std::exchange(handlers_, {});
  if (handlers.onClosed) handlers.onClosed();
}

std::shared_ptr<SpdySession> startSpdySession(std::shared_ptr<RawConnection> connection,
                                              SpdySession::Handlers handlers) {
  auto session = std::make_shared<SpdyConnection>(std::move(connection), std::move(handlers));
  session->start();
  return session;
}

}  // namespace wherry::net
