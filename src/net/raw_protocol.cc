#include "net/raw_protocol.h"

#include <utility>

namespace wherry::net {
namespace {

class RawProtocol : public Protocol, public RawStream::Listener {
 public:
  RawProtocol(Connection& connection, std::shared_ptr<RawStream> stream, std::string leftover)
      : connection_(connection), stream_(std::move(stream)), leftover_(std::move(leftover)) {
    stream_->attach(this);
    connection_.clearDeadline();
  }

  void onInput(std::string_view data) override {
    restartIdleTime();
    stream_->deliver(data);
  }
  bool wantsInput() const override { return leftover_.empty() && stream_->wantsInput(); }
  void fill() override;
  void onStall() override {}
  void onDeadline() override { connection_.close(); }
  void onDrain() override {}
  void onClosed() override { stream_->lost(); }
  void onRawChange() override { connection_.progressSoon(); }

 private:
  void restartIdleTime() {
    auto time = stream_->idleTime();
    if (time.count() > 0) connection_.setDeadlineIn(time);
  }

  Connection& connection_;
  std::shared_ptr<RawStream> stream_;
  std::string leftover_;
};

constexpr std::chrono::seconds kLastOutputTime{60};

void RawProtocol::fill() {
  if (!leftover_.empty() && stream_->wantsInput()) {
    std::string data = std::exchange(leftover_, {});
    stream_->deliver(data);
  }
  if (connection_.output().size() >= kOutputFull) return;
  restartIdleTime();
  if (!stream_->take(connection_.output())) return;
  connection_.setDeadlineIn(kLastOutputTime);
  // Not with unread input: the client would lose the end of what it was sent.
  connection_.closeAfterOutputAndInput();
}

}  // namespace

std::unique_ptr<Protocol> newRawProtocol(Connection& connection, std::shared_ptr<RawStream> stream,
                                         std::string leftover) {
  return std::make_unique<RawProtocol>(connection, std::move(stream), std::move(leftover));
}

}  // namespace wherry::net
