#include "net/spdy_session.h"

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "base/guarded.h"
#include "net/inlet.h"
#include "net/spdy_fields.h"
#include "net/spdy_frame.h"

namespace wherry::net {
namespace {

constexpr size_t kMaxStreams = 2000;
constexpr size_t kMaxWaiting = 1 << 20;     // bytes that have come and were not taken
constexpr size_t kMaxAnswers = 256;         // control frames sent while the client takes nothing
constexpr size_t kFrameSize = 32 << 10;     // of the data we send
constexpr uint32_t kWindowStep = 32 << 10;  // bytes taken, before the client is told
constexpr int64_t kMaxWindow = 0x7fffffff;

class Session;

// What the session knows of a stream; guarded by the session's lock but for the inlet.
struct Channel {
  Channel(Session& session, uint32_t number, Headers opening);

  const uint32_t id;
  const Headers fields;
  Inlet inlet;
  int64_t sendWindow = 0;
  uint32_t taken = 0;      // bytes that the client was not told of yet
  std::string pending;     // what the window holds back
  bool finished = false;   // by us
  bool finSent = false;    // and the client was told
  bool inputOver = false;  // the reader has had the end
  bool closed = false;
  bool held = false;  // write() answered false: onWritable is owed
  std::function<void()> writable, closedHandler;
};
using ChannelPtr = std::shared_ptr<Channel>;

class Session : public SpdySession, public std::enable_shared_from_this<Session> {
 public:
  Session(std::shared_ptr<RawConnection> connection, Handlers handlers)
      : connection_(std::move(connection)), handlers_(std::move(handlers)) {}

  void start();
  void close() override;

  // The streams'.
  bool write(Channel& channel, std::string_view data);
  void finish(const ChannelPtr& channel);
  void setHandler(Channel& channel, std::function<void()> Channel::*which, std::function<void()> handler);
  void reset(const ChannelPtr& channel);
  void taken(Channel& channel, size_t count);
  void inputOver(Channel& channel);

 private:
  struct State {
    std::map<uint32_t, ChannelPtr> channels;
    uint32_t lastStream = 0;
    bool closing = false;
    bool goodbyeSaid = false;
    bool lost = false;
    bool keepsWindows = false;  // the client
    int64_t initialWindow = kSpdyInitialWindow;
    int64_t sendWindow = kSpdyInitialWindow;  // of the connection
    uint32_t taken = 0;
    size_t waiting = 0;
    bool paused = false;
    bool full = false;  // the connection takes no more for now
    size_t answers = 0;
    SpdyFieldWriter writer;
  };
  // What is over, and whom to tell once the lock is released: handlers may hold the last reference to much.
  struct Removed {
    ChannelPtr channel;
    std::function<void()> writable, closed;
  };
  using HandlerList = std::vector<std::function<void()>>;

  void onInput(std::string_view input);
  void handle(const SpdySynStream& frame);
  void handle(const SpdyFieldsFrame& frame);
  void handle(const SpdyRstStream& frame);
  void handle(const SpdySettings& frame);
  void handle(const SpdyPing& frame);
  void handle(const SpdyGoAway&) {}  // it opens no more streams: nothing changes for those there are
  void handle(const SpdyWindowUpdate& frame);
  void handle(const SpdyData& frame);
  void breakOff();
  void onWritable();
  void onLost();

  // With the state locked.
  ChannelPtr open(State& state, uint32_t id, Headers fields);
  void send(State& state, std::string frame);
  void answer(State& state, std::string frame);
  void sendData(State& state, Channel& channel, std::string_view data);
  void flush(State& state, Channel& channel);
  void pace(State& state);
  void noteTaken(State& state, size_t count);
  void sayGoodbye(State& state);
  static Removed removeIfOver(State& state, Channel& channel);
  static Removed remove(State& state, Channel& channel);
  static bool widen(int64_t& window, uint32_t delta);
  HandlerList writableNow(State& state);

  ChannelPtr find(uint32_t id);
  void endOf(const Removed& removed, bool tell);

  const std::shared_ptr<RawConnection> connection_;
  Handlers handlers_;  // the connection's thread only, as the next three
  SpdyDecoder decoder_;
  SpdyFieldReader reader_;
  bool broken_ = false;
  base::Guarded<State> state_;
};

// The inlet is only used by who holds the session.
Channel::Channel(Session& session, uint32_t number, Headers opening)
    : id(number),
      fields(std::move(opening)),
      inlet({[this, &session](size_t count) { session.taken(*this, count); },
             [this, &session] { session.inputOver(*this); }}) {}

// The user's end.
class StreamEnd : public SpdyStream {
 public:
  StreamEnd(std::shared_ptr<Session> session, ChannelPtr channel)
      : session_(std::move(session)), channel_(std::move(channel)) {}
  ~StreamEnd() override { session_->reset(channel_); }

  uint32_t id() const override { return channel_->id; }
  const Headers& fields() const override { return channel_->fields; }
  bool write(std::string_view data) override { return session_->write(*channel_, data); }
  void finish() override { session_->finish(channel_); }
  void onWritable(std::function<void()> handler) override {
    session_->setHandler(*channel_, &Channel::writable, std::move(handler));
  }
  void onClosed(std::function<void()> handler) override {
    session_->setHandler(*channel_, &Channel::closedHandler, std::move(handler));
  }
  void onRead(std::function<void(std::string_view)> handler) override { channel_->inlet.onRead(std::move(handler)); }
  void onEnd(std::function<void()> handler) override { channel_->inlet.onEnd(std::move(handler)); }
  void pauseReading(bool paused) override { channel_->inlet.pause(paused); }
  void close() override { session_->reset(channel_); }

 private:
  std::shared_ptr<Session> session_;
  ChannelPtr channel_;
};

void Session::start() {
  connection_->onWritable([self = weak_from_this()] {
    if (auto session = self.lock()) session->onWritable();
  });
  connection_->onClosed([self = shared_from_this()] { self->onLost(); });
  connection_->onRead([self = weak_from_this()](std::string_view input) {
    if (auto session = self.lock()) session->onInput(input);
  });
}

void Session::onInput(std::string_view input) {
  while (!broken_) {
    auto frame = decoder_.next(input);
    if (!frame) break;
    std::visit([this](const auto& each) { handle(each); }, *frame);
  }
  if (!decoder_.failure().empty()) breakOff();
}

// The client does not speak the protocol.
void Session::breakOff() {
  if (std::exchange(broken_, true)) return;
  state_.with([&](State& state) {
    send(state, spdyGoAway(state.lastStream, true));
    state.closing = state.goodbyeSaid = true;
  });
  connection_->close();
}

ChannelPtr Session::find(uint32_t id) {
  return state_.with([&](State& state) {
    auto found = state.channels.find(id);
    return found == state.channels.end() ? nullptr : found->second;
  });
}

void Session::handle(const SpdySynStream& frame) {
  auto fields = reader_.read(frame.block);
  if (!fields || frame.unidirectional) return breakOff();
  bool accepted = !handlers_.accepts || handlers_.accepts(*fields);
  bool valid = true;
  auto channel = state_.with([&](State& state) -> ChannelPtr {
    valid = frame.stream % 2 == 1 && frame.stream > state.lastStream;  // section 2.3.2
    if (!valid || state.closing) return nullptr;
    state.lastStream = frame.stream;
    if (accepted && state.channels.size() < kMaxStreams) return open(state, frame.stream, std::move(*fields));
    answer(state, spdyRstStream(frame.stream, SpdyStatus::kRefusedStream));
    return nullptr;
  });
  if (!valid) return breakOff();
  if (!channel) return;
  handlers_.onStream(std::make_shared<StreamEnd>(shared_from_this(), channel));
  if (frame.finished) channel->inlet.end();
}

ChannelPtr Session::open(State& state, uint32_t id, Headers fields) {
  auto channel = std::make_shared<Channel>(*this, id, std::move(fields));
  channel->sendWindow = state.initialWindow;
  state.channels.emplace(id, channel);
  answer(state, spdySynReply(id, state.writer.write({})));
  return channel;
}

void Session::handle(const SpdyFieldsFrame& frame) {
  if (!reader_.read(frame.block)) return breakOff();
  auto channel = find(frame.stream);
  if (channel && frame.finished) channel->inlet.end();
}

void Session::handle(const SpdyRstStream& frame) {
  Removed removed = state_.with([&](State& state) {
    auto found = state.channels.find(frame.stream);
    return found == state.channels.end() ? Removed() : remove(state, *found->second);
  });
  endOf(removed, true);
}

void Session::handle(const SpdySettings& frame) {
  for (const auto& [id, value] : frame.values) {
    if (id != kSpdySettingsInitialWindow) continue;
    if (value > kMaxWindow) return breakOff();
    state_.with([&, window = int64_t{value}](State& state) {
      state.keepsWindows = true;
      for (auto& [number, channel] : state.channels) channel->sendWindow += window - state.initialWindow;
      state.initialWindow = window;
    });
  }
}

void Session::handle(const SpdyPing& frame) {
  if (frame.id % 2 == 0) return;  // an answer to one of ours, of which there are none
  state_.with([&](State& state) { answer(state, spdyPing(frame.id)); });
}

bool Session::widen(int64_t& window, uint32_t delta) {
  window += delta;
  return window <= kMaxWindow;
}

void Session::handle(const SpdyWindowUpdate& frame) {
  std::vector<Removed> over;
  bool valid = true;
  auto handlers = state_.with([&](State& state) {
    state.keepsWindows = true;
    auto found = state.channels.find(frame.stream);
    if (frame.stream == 0) {
      valid = widen(state.sendWindow, frame.delta);
    } else if (found != state.channels.end() && !widen(found->second->sendWindow, frame.delta)) {
      answer(state, spdyRstStream(frame.stream, SpdyStatus::kFlowControlError));
      over.push_back(remove(state, *found->second));
    }
    for (auto channels = state.channels; auto& [id, channel] : channels) {
      flush(state, *channel);
      over.push_back(removeIfOver(state, *channel));
    }
    sayGoodbye(state);
    return writableNow(state);
  });
  for (const Removed& each : over) endOf(each, true);
  if (!valid) return breakOff();
  for (const auto& each : handlers) each();
}

void Session::handle(const SpdyData& frame) {
  auto channel = state_.with([&](State& state) -> ChannelPtr {
    auto found = state.channels.find(frame.stream);
    // Of a stream that is over here and of which the client does not know it yet.
    if (found == state.channels.end()) return noteTaken(state, frame.data.size()), nullptr;
    state.waiting += frame.data.size();
    pace(state);
    return found->second;
  });
  if (!channel) return;
  channel->inlet.push(frame.data);
  if (frame.finished) channel->inlet.end();
}

void Session::taken(Channel& channel, size_t count) {
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

void Session::noteTaken(State& state, size_t count) {
  state.taken += static_cast<uint32_t>(count);
  if (state.taken >= kWindowStep) send(state, spdyWindowUpdate(0, std::exchange(state.taken, 0)));
}

void Session::inputOver(Channel& channel) {
  Removed removed = state_.with([&](State& state) {
    channel.inputOver = true;
    return removeIfOver(state, channel);
  });
  endOf(removed, true);
}

// Reads on, or not.
void Session::pace(State& state) {
  size_t most = state.paused ? kMaxWaiting / 2 : kMaxWaiting;
  bool paused = state.waiting > most || state.answers > kMaxAnswers;
  if (std::exchange(state.paused, paused) != paused) connection_->pauseReading(paused);
}

void Session::send(State& state, std::string frame) {
  if (state.lost || state.goodbyeSaid) return;
  if (!connection_->write(std::make_shared<const std::string>(std::move(frame)))) state.full = true;
}

void Session::answer(State& state, std::string frame) {
  send(state, std::move(frame));
  if (state.full) ++state.answers;
  pace(state);
}

bool Session::write(Channel& channel, std::string_view data) {
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

void Session::sendData(State& state, Channel& channel, std::string_view data) {
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

void Session::flush(State& state, Channel& channel) {
  std::string data = std::exchange(channel.pending, {});
  sendData(state, channel, data);
  if (!channel.pending.empty() || !channel.finished || std::exchange(channel.finSent, true)) return;
  send(state, spdyData(channel.id, {}, true));
}

void Session::finish(const ChannelPtr& channel) {
  Removed removed = state_.with([&](State& state) {
    if (channel->closed || std::exchange(channel->finished, true)) return Removed();
    flush(state, *channel);
    return removeIfOver(state, *channel);
  });
  endOf(removed, true);
}

void Session::setHandler(Channel& channel, std::function<void()> Channel::*which, std::function<void()> handler) {
  bool late = state_.with([&](State&) {
    if (!channel.closed) (channel.*which).swap(handler);
    return channel.closed;
  });
  if (late && which == &Channel::closedHandler && handler) handler();
}

void Session::reset(const ChannelPtr& channel) {
  Removed removed = state_.with([&](State& state) {
    if (channel->closed) return Removed();
    answer(state, spdyRstStream(channel->id, SpdyStatus::kCancel));
    return remove(state, *channel);
  });
  endOf(removed, false);
}

Session::Removed Session::removeIfOver(State& state, Channel& channel) {
  return channel.finSent && channel.inputOver ? remove(state, channel) : Removed();
}

Session::Removed Session::remove(State& state, Channel& channel) {
  if (std::exchange(channel.closed, true)) return {};
  channel.pending.clear();
  auto node = state.channels.extract(channel.id);
  return {std::move(node.mapped()), std::exchange(channel.writable, nullptr),
          std::exchange(channel.closedHandler, nullptr)};
}

void Session::endOf(const Removed& removed, bool tell) {
  if (!removed.channel) return;
  if (size_t dropped = removed.channel->inlet.close()) taken(*removed.channel, dropped);
  state_.with([&](State& state) { sayGoodbye(state); });
  if (tell && removed.closed) removed.closed();
}

Session::HandlerList Session::writableNow(State& state) {
  HandlerList handlers;
  if (state.full) return handlers;
  for (auto& [id, channel] : state.channels) {
    if (!channel->held || !channel->pending.empty()) continue;
    channel->held = false;
    if (channel->writable) handlers.push_back(channel->writable);
  }
  return handlers;
}

void Session::onWritable() {
  auto handlers = state_.with([&](State& state) {
    state.full = false;
    state.answers = 0;
    pace(state);
    return writableNow(state);
  });
  for (const auto& each : handlers) each();
}

void Session::close() {
  state_.with([&](State& state) {
    state.closing = true;
    sayGoodbye(state);
  });
}

void Session::sayGoodbye(State& state) {
  if (!state.closing || state.goodbyeSaid) return;
  bool waits = std::ranges::any_of(state.channels, [](const auto& pair) { return !pair.second->pending.empty(); });
  if (waits) return;
  send(state, spdyGoAway(state.lastStream, false));
  state.goodbyeSaid = true;
  connection_->close();
}

void Session::onLost() {
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

}  // namespace

std::shared_ptr<SpdySession> startSpdySession(std::shared_ptr<RawConnection> connection,
                                              SpdySession::Handlers handlers) {
  auto session = std::make_shared<Session>(std::move(connection), std::move(handlers));
  session->start();
  return session;
}

}  // namespace wherry::net
