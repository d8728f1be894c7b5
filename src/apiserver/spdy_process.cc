// exec and attach over SPDY: a stream each for stdin, stdout, stderr, the terminal's size and the status.
#include <array>
#include <chrono>
#include <optional>
#include <utility>

#include "apiserver/process_streams.h"
#include "base/guarded.h"
#include "net/spdy_session.h"

namespace wherry::apiserver {
namespace {

constexpr std::chrono::seconds kStreamCreationTime{30};

enum Role : size_t { kError, kStdin, kStdout, kStderr, kResize, kRoles };

std::optional<Role> roleOf(std::string_view streamType) {
  static constexpr std::array<std::string_view, kRoles> kNames = {"error", "stdin", "stdout", "stderr", "resize"};
  for (size_t i = 0; i < kRoles; ++i) {
    if (kNames[i] == streamType) return static_cast<Role>(i);
  }
  return std::nullopt;
}

class SpdyProcess : public client::ProcessStreams, public std::enable_shared_from_this<SpdyProcess> {
 public:
  SpdyProcess(std::string_view protocol, ProcessCall call, Dispatcher& dispatcher)
      : statusIsJson_(protocol == "v4.channel.k8s.io"),
        resizes_(statusIsJson_ || protocol == "v3.channel.k8s.io"),
        call_(std::move(call)),
        dispatcher_(dispatcher) {}

  void begin(std::shared_ptr<net::RawConnection> connection) {
    timer_ = dispatcher_.after(kStreamCreationTime, [self = weak_from_this()] {
      if (auto process = self.lock()) process->session_->close();
    });
    session_ = net::startSpdySession(
        std::move(connection), {[](const net::Headers& fields) { return roleOf(fields.get("streamType")).has_value(); },
                                [self = shared_from_this()](auto stream) { self->add(std::move(stream)); },
                                [self = shared_from_this()] { self->lost(); }});
  }

  bool write(Output output, std::string_view data) override {
    const auto& stream = streams_[output == Output::kStdout ? kStdout : kStderr];
    return !stream || stream->write(data);
  }
  void onWritable(std::function<void()> handler) override {
    for (Role role : {kStdout, kStderr}) {
      if (streams_[role]) streams_[role]->onWritable(handler);
    }
  }
  void finish(const client::ProcessEnd& end) override;
  void onStdin(std::function<void(std::string_view)> handler) override {
    if (streams_[kStdin]) streams_[kStdin]->onRead(std::move(handler));
  }
  void onStdinEnd(std::function<void()> handler) override {
    if (!streams_[kStdin]) return;
    // A stream that is reset has ended, too.
    auto once = std::make_shared<std::atomic_flag>();
    auto ended = [handler = std::move(handler), once] {
      if (!once->test_and_set()) handler();
    };
    streams_[kStdin]->onClosed(ended);
    streams_[kStdin]->onEnd(ended);
  }
  void pauseStdin(bool paused) override {
    if (streams_[kStdin]) streams_[kStdin]->pauseReading(paused);
  }
  void onResize(std::function<void(client::TerminalSize)> handler) override;
  void onClosed(std::function<void()> handler) override;

 private:
  struct State {
    bool finished = false;
    bool lost = false;
    std::function<void()> closed;
  };

  bool wants(Role role) const;
  void add(net::SpdyStreamPtr stream);
  void lost();

  const bool statusIsJson_;
  const bool resizes_;
  ProcessCall call_;
  Dispatcher& dispatcher_;
  Dispatcher::Timer timer_ = 0;
  std::shared_ptr<net::SpdySession> session_;
  std::array<net::SpdyStreamPtr, kRoles> streams_;  // do not change once the process starts
  bool started_ = false;                            // the connection's thread only
  base::Guarded<State> state_;
};

bool SpdyProcess::wants(Role role) const {
  const auto& options = call_.options;
  const std::array<bool, kRoles> wanted = {true, options.stdin, options.stdout, options.stderr,
                                           options.tty && resizes_};
  return wanted[role];
}

void SpdyProcess::add(net::SpdyStreamPtr stream) {
  Role role = *roleOf(stream->fields().get("streamType"));
  // One that nobody asked for, or the second of its kind, is reset as it is dropped.
  if (started_ || !wants(role) || streams_[role]) return;
  if (role != kStdin && role != kResize) stream->onRead([](std::string_view) {});
  streams_[role] = std::move(stream);
  for (size_t each = 0; each < kRoles; ++each) {
    if (wants(static_cast<Role>(each)) && !streams_[each]) return;
  }
  started_ = true;
  dispatcher_.cancel(timer_);
  std::exchange(call_.start, nullptr)(shared_from_this());
}

void SpdyProcess::finish(const client::ProcessEnd& end) {
  bool late = state_.with([](State& state) { return std::exchange(state.finished, true) || state.lost; });
  if (late) return;
  for (Role role : {kStdout, kStderr}) {
    if (streams_[role]) streams_[role]->finish();
  }
  auto status = processStatus(call_.kind, call_.options, end);
  streams_[kError]->write(statusIsJson_ ? json::serialize(status) : processStatusText(status));
  streams_[kError]->finish();
  session_->close();
}

void SpdyProcess::onResize(std::function<void(client::TerminalSize)> handler) {
  if (!streams_[kResize]) return;
  auto reader = std::make_shared<TerminalSizeReader>();
  streams_[kResize]->onRead([reader, handler = std::move(handler)](std::string_view text) {
    for (auto size : reader->add(text)) handler(size);
  });
}

void SpdyProcess::onClosed(std::function<void()> handler) {
  bool late = state_.with([&](State& state) {
    if (!state.lost) state.closed.swap(handler);
    return state.lost && !state.finished;
  });
  if (late && handler) handler();
}

void SpdyProcess::lost() {
  dispatcher_.cancel(timer_);
  std::function<void()> closed;
  bool tell = state_.with([&](State& state) {
    state.lost = true;
    closed.swap(state.closed);
    return !state.finished;
  });
  if (tell && closed) closed();
}

}  // namespace

void startSpdyProcess(std::shared_ptr<net::RawConnection> connection, std::string_view protocol, ProcessCall call,
                      Dispatcher& dispatcher) {
  std::make_shared<SpdyProcess>(protocol, std::move(call), dispatcher)->begin(std::move(connection));
}

}  // namespace wherry::apiserver
