// exec and attach over WebSocket: messages whose first byte is the number of a channel.
#include <optional>
#include <utility>

#include "apiserver/process_streams.h"
#include "apiserver/websocket_channels.h"
#include "base/guarded.h"
#include "net/inlet.h"

namespace wherry::apiserver {
namespace {

enum Channel : uint8_t { kStdin = 0, kStdout = 1, kStderr = 2, kError = 3, kResize = 4 };

constexpr size_t kMaxWaiting = 1 << 20;  // bytes for stdin

class WebSocketProcess : public client::ProcessStreams, public std::enable_shared_from_this<WebSocketProcess> {
 public:
  WebSocketProcess(std::string_view protocol, ProcessKind kind, client::ProcessOptions options)
      : protocol_(channelProtocol(protocol)),
        kind_(kind),
        options_(std::move(options)),
        stdin_({[this](size_t count) { noteWaiting(-static_cast<ptrdiff_t>(count)); }, [] {}}) {}

  void begin(std::shared_ptr<net::RawConnection> connection) {
    channels_ = startWebSocketChannels(
        std::move(connection), protocol_,
        {[self = shared_from_this()](uint8_t channel, std::string_view data) { self->receive(channel, data); },
         [self = shared_from_this()](uint8_t channel) {
           if (channel == kStdin) self->stdin_.end();
         },
         [self = shared_from_this()] { self->call(&State::writable); }, [self = shared_from_this()] { self->lost(); }});
    // Tells the client that all stands, on the lowest channel that it hears. kubectl, which speaks v5, asks for no such
    // sign, and complains of one that comes before it has made its streams.
    if (!protocol_.closes) channels_->send(options_.stdout ? kStdout : options_.stderr ? kStderr : kError, {});
  }

  bool write(Output output, std::string_view data) override {
    bool wanted = output == Output::kStdout ? options_.stdout : options_.stderr;
    return !wanted || data.empty() || channels_->send(output == Output::kStdout ? kStdout : kStderr, data);
  }
  void onWritable(std::function<void()> handler) override {
    state_.with([&](State& state) { state.writable.swap(handler); });
  }
  void finish(const client::ProcessEnd& end) override {
    if (!finishOnce()) return;
    auto status = processStatus(kind_, options_, end);
    auto text = protocol_.statusIsJson ? json::serialize(status) : processStatusText(status);
    if (!text.empty()) channels_->send(kError, text);
    channels_->close();
  }
  void refuse(const meta::StatusError& error) {
    if (!finishOnce()) return;
    channels_->send(kError, protocol_.statusIsJson ? json::serialize(error.toJson()) : error.message());
    channels_->close();
  }
  void onStdin(std::function<void(std::string_view)> handler) override { stdin_.onRead(std::move(handler)); }
  void onStdinEnd(std::function<void()> handler) override { stdin_.onEnd(std::move(handler)); }
  void pauseStdin(bool paused) override { stdin_.pause(paused); }
  void onResize(std::function<void(client::TerminalSize)> handler) override {
    auto sizes = state_.with([&](State& state) {
      state.resize = std::move(handler);
      return std::exchange(state.sizes, {});
    });
    for (auto size : sizes) tellSize(size);
  }
  void onClosed(std::function<void()> handler) override {
    bool late = state_.with([&](State& state) {
      if (!state.lost) state.closed.swap(handler);
      return state.lost && !state.finished;
    });
    if (late && handler) handler();
  }

 private:
  struct State {
    size_t waiting = 0;
    bool paused = false;
    bool finished = false;
    bool lost = false;
    std::vector<client::TerminalSize> sizes;  // that came before their handler: the newest
    std::function<void(client::TerminalSize)> resize;
    std::function<void()> writable, closed;
  };

  bool finishOnce() {
    return state_.with([](State& state) { return !std::exchange(state.finished, true) && !state.lost; });
  }
  void receive(uint8_t channel, std::string_view data) {
    if (channel == kResize) {
      for (auto size : sizes_.add(data)) tellSize(size);
    } else if (channel == kStdin && options_.stdin) {
      noteWaiting(static_cast<ptrdiff_t>(data.size()));
      stdin_.push(data);
    }
  }
  void tellSize(client::TerminalSize size) {
    auto resize = state_.with([&](State& state) {
      if (!state.resize) state.sizes = {size};
      return state.resize;
    });
    if (resize) resize(size);
  }
  void noteWaiting(ptrdiff_t change) {
    state_.with([&](State& state) {
      state.waiting += static_cast<size_t>(change);
      bool paused = state.waiting > (state.paused ? kMaxWaiting / 2 : kMaxWaiting);
      if (std::exchange(state.paused, paused) != paused) channels_->pauseReading(paused);
    });
  }
  void call(std::function<void()> State::*which) {
    auto handler = state_.with([&](State& state) { return state.*which; });
    if (handler) handler();
  }
  void lost() {
    State gone;  // destroyed with the lock released
    state_.with([&](State& state) {
      std::swap(gone.closed, state.closed);
      std::swap(gone.writable, state.writable);
      std::swap(gone.resize, state.resize);
      state.lost = true;
      gone.finished = state.finished;
    });
    stdin_.close();
    if (gone.closed && !gone.finished) gone.closed();
  }

  const ChannelProtocol protocol_;
  const ProcessKind kind_;
  const client::ProcessOptions options_;
  net::Inlet stdin_;
  TerminalSizeReader sizes_;  // the connection's thread only
  std::shared_ptr<WebSocketChannels> channels_;
  base::Guarded<State> state_;
};

}  // namespace

std::shared_ptr<client::ProcessStreams> newWebSocketProcess(std::shared_ptr<net::RawConnection> connection,
                                                            std::string_view protocol, ProcessKind kind,
                                                            client::ProcessOptions options) {
  auto process = std::make_shared<WebSocketProcess>(protocol, kind, std::move(options));
  process->begin(std::move(connection));
  return process;
}

void refuseProcess(client::ProcessStreams& process, const meta::StatusError& error) {
  static_cast<WebSocketProcess&>(process).refuse(error);
}

}  // namespace wherry::apiserver
