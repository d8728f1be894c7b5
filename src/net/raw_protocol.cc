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

  void onInput(std::string_view data) override { stream_->deliver(data); }
  bool wantsInput() const override { return leftover_.empty() && stream_->wantsInput(); }
  void fill() override;
  void onStall() override {}
  void onDeadline() override {}
  void onDrain() override {}
  void onClosed() override { stream_->lost(); }
  void onRawChange() override { connection_.progressSoon(); }

 private:
  Connection& connection_;
  std::shared_ptr<RawStream> stream_;
  std::string leftover_;
};

void RawProtocol::fill() {
  if (!leftover_.empty() && stream_->wantsInput()) {
    std::string data = std::exchange(leftover_, {});
    stream_->deliver(data);
  }
  if (connection_.output().size() >= kOutputFull) return;
  if (stream_->take(connection_.output())) connection_.closeAfterOutput();
}

}  // namespace

std::unique_ptr<Protocol> newRawProtocol(Connection& connection, std::shared_ptr<RawStream> stream,
                                         std::string leftover) {
  return std::make_unique<RawProtocol>(connection, std::move(stream), std::move(leftover));
}

}  // namespace wherry::net
