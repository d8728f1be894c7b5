// The port-forward of clients that speak plain WebSocket: the ports are in the query, two channels each.
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "apiserver/port_forward.h"
#include "apiserver/websocket_channels.h"
#include "base/guarded.h"
#include "base/strings.h"
#include "meta/status.h"
#include "net/inlet.h"

namespace wherry::apiserver {
namespace {

constexpr size_t kMaxPorts = 127;        // two channels each, whose numbers have 8 bits
constexpr size_t kMaxWaiting = 1 << 20;  // bytes for all pods' ends

class Forward;

// A channel as a stream. It has no end of its own in the protocol: when the pod's side ends, the connection does.
class ChannelStream : public net::ByteStream {
 public:
  ChannelStream(std::shared_ptr<Forward> forward, size_t index) : forward_(std::move(forward)), index_(index) {}
  ~ChannelStream() override { close(); }

  bool write(std::string_view data) override;
  void finish() override;
  void onWritable(std::function<void()> handler) override;
  void onClosed(std::function<void()> handler) override;
  void onRead(std::function<void(std::string_view)> handler) override;
  void onEnd(std::function<void()>) override {}
  void pauseReading(bool paused) override;
  void close() override;

 private:
  const std::shared_ptr<Forward> forward_;
  const size_t index_;
};

class Forward : public std::enable_shared_from_this<Forward> {
 public:
  Forward(ForwardTarget target, std::vector<uint16_t> ports) : target_(std::move(target)), ports_(std::move(ports)) {}

  void begin(std::shared_ptr<net::RawConnection> connection, ChannelProtocol protocol);

  bool write(size_t index, std::string_view data) { return channels_->send(static_cast<uint8_t>(2 * index), data); }
  net::Inlet& inlet(size_t index) { return *inlets_[index]; }
  void setWritable(size_t index, std::function<void()> handler) {
    state_.with([&](State& state) { state.ends[index].writable.swap(handler); });
  }
  void setClosed(size_t index, std::function<void()> handler);
  // This port's connection is over; `tell`: its handler, too.
  void end(size_t index, bool tell);

 private:
  struct End {
    bool over = false;
    std::function<void()> writable, closed;
  };
  struct State {
    std::vector<End> ends;
    size_t open = 0;
    size_t waiting = 0;
    bool paused = false;
    bool lost = false;
  };

  void connect(size_t index);
  void receive(uint8_t channel, std::string_view data);
  void noteWaiting(ptrdiff_t change);
  void writable();
  void lost();

  const ForwardTarget target_;
  const std::vector<uint16_t> ports_;
  std::vector<std::unique_ptr<net::Inlet>> inlets_;
  std::shared_ptr<WebSocketChannels> channels_;
  base::Guarded<State> state_;
};

bool ChannelStream::write(std::string_view data) { return data.empty() || forward_->write(index_, data); }
void ChannelStream::finish() { forward_->end(index_, true); }
void ChannelStream::onWritable(std::function<void()> handler) { forward_->setWritable(index_, std::move(handler)); }
void ChannelStream::onClosed(std::function<void()> handler) { forward_->setClosed(index_, std::move(handler)); }
void ChannelStream::onRead(std::function<void(std::string_view)> handler) {
  forward_->inlet(index_).onRead(std::move(handler));
}
void ChannelStream::pauseReading(bool paused) { forward_->inlet(index_).pause(paused); }
void ChannelStream::close() { forward_->end(index_, false); }

void Forward::begin(std::shared_ptr<net::RawConnection> connection, ChannelProtocol protocol) {
  state_.with([&](State& state) {
    state.ends.resize(ports_.size());
    state.open = ports_.size();
  });
  for (size_t i = 0; i < ports_.size(); ++i) {
    inlets_.push_back(std::make_unique<net::Inlet>(
        net::Inlet::Events{[this](size_t count) { noteWaiting(-static_cast<ptrdiff_t>(count)); }, [] {}}));
  }
  channels_ = startWebSocketChannels(
      std::move(connection), protocol,
      {[self = shared_from_this()](uint8_t channel, std::string_view data) { self->receive(channel, data); }, nullptr,
       [self = shared_from_this()] { self->writable(); }, [self = shared_from_this()] { self->lost(); }});
  for (size_t i = 0; i < ports_.size(); ++i) {
    const char port[] = {static_cast<char>(ports_[i] & 0xff), static_cast<char>(ports_[i] >> 8)};
    for (size_t channel : {2 * i, 2 * i + 1}) channels_->send(static_cast<uint8_t>(channel), {port, sizeof port});
  }
  for (size_t i = 0; i < ports_.size(); ++i) connect(i);
}

void Forward::connect(size_t index) {
  dialPod(target_, ports_[index], [self = shared_from_this(), index](auto stream, const std::string& why) {
    if (stream) return net::splice(std::make_shared<ChannelStream>(self, index), std::move(stream), nullptr);
    self->channels_->send(static_cast<uint8_t>(2 * index + 1), forwardError(self->target_, self->ports_[index], why));
    self->end(index, false);
  });
}

void Forward::receive(uint8_t channel, std::string_view data) {
  if (channel % 2 != 0 || channel / 2 >= ports_.size()) return;
  noteWaiting(static_cast<ptrdiff_t>(data.size()));
  inlets_[channel / 2]->push(data);
}

void Forward::noteWaiting(ptrdiff_t change) {
  state_.with([&](State& state) {
    state.waiting += static_cast<size_t>(change);
    bool paused = state.waiting > (state.paused ? kMaxWaiting / 2 : kMaxWaiting);
    if (std::exchange(state.paused, paused) != paused) channels_->pauseReading(paused);
  });
}

void Forward::setClosed(size_t index, std::function<void()> handler) {
  bool late = state_.with([&](State& state) {
    bool over = state.ends[index].over || state.lost;
    if (!over) state.ends[index].closed.swap(handler);
    return over;
  });
  if (late && handler) handler();
}

void Forward::end(size_t index, bool tell) {
  End gone;
  bool last = false;
  state_.with([&](State& state) {
    if (state.ends[index].over) return;
    std::swap(gone, state.ends[index]);
    state.ends[index].over = true;
    last = --state.open == 0;
  });
  if (size_t dropped = inlets_[index]->close()) noteWaiting(-static_cast<ptrdiff_t>(dropped));
  if (tell && gone.closed) gone.closed();
  if (last) channels_->close();
}

void Forward::writable() {
  std::vector<std::function<void()>> handlers;
  state_.with([&](State& state) {
    for (const End& each : state.ends) {
      if (each.writable) handlers.push_back(each.writable);
    }
  });
  for (const auto& each : handlers) each();
}

void Forward::lost() {
  state_.with([](State& state) { state.lost = true; });
  for (size_t i = 0; i < ports_.size(); ++i) end(i, true);
}

}  // namespace

std::vector<uint16_t> readForwardPorts(const Query& query) {
  std::vector<uint16_t> ports;
  for (const auto& [name, value] : query.parameters()) {
    if (name != "ports") continue;
    for (auto text : base::split(value, ',')) {
      auto port = base::parseInt<uint16_t>(text);
      if (!port) throw meta::badRequest(fmt::format("unable to parse \"{}\" as a port", text));
      if (*port == 0) throw meta::badRequest(fmt::format("port \"{}\" must be > 0", text));
      ports.push_back(*port);
    }
  }
  if (ports.empty()) throw meta::badRequest("query parameter \"ports\" is required");
  if (ports.size() > kMaxPorts) throw meta::badRequest(fmt::format("more than {} ports", kMaxPorts));
  return ports;
}

void startWebSocketPortForward(std::shared_ptr<net::RawConnection> connection, std::string_view protocol,
                               ForwardTarget target, const std::vector<uint16_t>& ports) {
  std::make_shared<Forward>(std::move(target), ports)->begin(std::move(connection), channelProtocol(protocol));
}

}  // namespace wherry::apiserver
