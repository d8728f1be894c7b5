#include "apiserver/websocket_channels.h"

#include <optional>
#include <string>
#include <utility>

#include "base/encoding.h"
#include "net/websocket.h"

namespace wherry::apiserver {
namespace {

constexpr uint8_t kCloseChannel = 255;
constexpr size_t kMaxBase64 = 2 << 20;  // characters of a message: it is decoded whole

class Channels : public WebSocketChannels, public std::enable_shared_from_this<Channels> {
 public:
  Channels(ChannelProtocol protocol, Handlers handlers) : protocol_(protocol), handlers_(std::move(handlers)) {}

  void start(std::shared_ptr<net::RawConnection> connection) {
    socket_ = net::startWebSocket(std::move(connection),
                                  {[self = shared_from_this()](const auto& piece) { self->receive(piece); },
                                   [self = shared_from_this()] {
                                     if (self->handlers_.onWritable) self->handlers_.onWritable();
                                   },
                                   [self = shared_from_this()] { self->lost(); }});
  }

  bool send(uint8_t channel, std::string_view data) override {
    std::string message;
    if (protocol_.base64) {
      message.push_back(static_cast<char>('0' + channel));
      return socket_->send(net::WebSocketOpcode::kText, message.append(base::encodeBase64(data)));
    }
    message.reserve(data.size() + 1);
    message.push_back(static_cast<char>(channel));
    return socket_->send(net::WebSocketOpcode::kBinary, message.append(data));
  }
  void pauseReading(bool paused) override { socket_->pauseReading(paused); }
  void close() override { socket_->close(net::WebSocketCode::kNormal, ""); }

 private:
  void receive(const net::WebSocketPiece& piece) {
    std::string_view data = piece.data;
    if (piece.first) {
      channel_.reset();
      text_.clear();
    }
    if (!channel_ && !data.empty()) {
      channel_ = static_cast<uint8_t>(data.front() - (protocol_.base64 ? '0' : 0));
      data.remove_prefix(1);
    }
    if (!channel_) return;  // an empty message
    if (protocol_.base64) return receiveText(data, piece.last);
    if (protocol_.closes && *channel_ == kCloseChannel) return receiveClose(data);
    if (!data.empty()) handlers_.onData(*channel_, data);
  }
  void receiveText(std::string_view data, bool last) {
    text_.append(data);
    if (text_.size() > kMaxBase64) return socket_->close(net::WebSocketCode::kTooBig, "a message is too large");
    if (!last) return;
    auto decoded = base::decodeBase64(text_);
    if (decoded && !decoded->empty()) handlers_.onData(*channel_, *decoded);
  }
  void receiveClose(std::string_view data) {
    if (!data.empty() && handlers_.onEnd) handlers_.onEnd(static_cast<uint8_t>(data.front()));
  }
  void lost() {
    Handlers handlers = std::exchange(handlers_, {});
    handlers.onClosed();
  }

  const ChannelProtocol protocol_;
  // The connection's thread only, as the next two.
  Handlers handlers_;
  std::optional<uint8_t> channel_;  // of the message under way
  std::string text_;                // of it, in base64
  std::shared_ptr<net::WebSocket> socket_;
};

}  // namespace

ChannelProtocol channelProtocol(std::string_view name) {
  ChannelProtocol protocol;
  protocol.base64 = name.find("base64.") != std::string_view::npos;
  protocol.closes = name.starts_with("v5.");
  protocol.statusIsJson = name.starts_with("v4.") || name.starts_with("v5.");
  return protocol;
}

std::shared_ptr<WebSocketChannels> startWebSocketChannels(std::shared_ptr<net::RawConnection> connection,
                                                          ChannelProtocol protocol,
                                                          WebSocketChannels::Handlers handlers) {
  auto channels = std::make_shared<Channels>(protocol, std::move(handlers));
  channels->start(std::move(connection));
  return channels;
}

}  // namespace wherry::apiserver
