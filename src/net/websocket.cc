#include "net/websocket.h"

#include <atomic>
#include <utility>

#include <openssl/evp.h>

#include "base/encoding.h"
#include "base/guarded.h"
#include "base/strings.h"

namespace wherry::net {
namespace {

constexpr int kMaxAnswers = 256;  // pongs that the client has not taken

// Of all fields of this name, one list (RFC 9110 section 5.3).
std::vector<std::string> listOf(const Headers& headers, std::string_view name) {
  std::vector<std::string> values;
  for (const auto& [field, text] : headers.fields()) {
    if (!base::equalsIgnoreCase(field, name)) continue;
    for (auto value : base::split(text, ',')) {
      if (value = base::trim(value); !value.empty()) values.emplace_back(value);
    }
  }
  return values;
}

class Socket : public WebSocket, public std::enable_shared_from_this<Socket> {
 public:
  Socket(std::shared_ptr<RawConnection> connection, Handlers handlers)
      : connection_(std::move(connection)), handlers_(std::move(handlers)) {}

  void start();
  bool send(WebSocketOpcode opcode, std::string_view payload) override {
    return write(webSocketFrame(opcode, payload));
  }
  void pauseReading(bool paused) override {
    pace([&](Pace& pace) { pace.wanted = paused; });
  }
  void close(WebSocketCode code, std::string_view why) override;

 private:
  // Why nothing is read for now.
  struct Pace {
    bool wanted = false;  // by the user
    int answers = 0;      // sent since the connection was full
    bool paused = false;
  };

  bool write(std::string frame) { return connection_->write(std::make_shared<const std::string>(std::move(frame))); }
  void pace(const std::function<void(Pace&)>& change);
  void onInput(std::string_view input);
  void handle(const WebSocketPiece& piece) {
    if (handlers_.onPiece) handlers_.onPiece(piece);
  }
  void handle(const WebSocketPing& ping);
  void handle(const WebSocketPong&) {}
  void handle(const WebSocketClose& goodbye);
  void onLost();

  const std::shared_ptr<RawConnection> connection_;
  Handlers handlers_;  // the connection's thread only, as the decoder
  WebSocketDecoder decoder_;
  std::atomic<bool> closing_{false};
  base::Guarded<Pace> pace_;
};

void Socket::start() {
  connection_->onWritable([self = weak_from_this()] {
    auto socket = self.lock();
    if (!socket) return;
    socket->pace([](Pace& pace) { pace.answers = 0; });
    if (socket->handlers_.onWritable) socket->handlers_.onWritable();
  });
  connection_->onClosed([self = shared_from_this()] { self->onLost(); });
  connection_->onRead([self = weak_from_this()](std::string_view input) {
    if (auto socket = self.lock()) socket->onInput(input);
  });
}

void Socket::pace(const std::function<void(Pace&)>& change) {
  pace_.with([&](Pace& pace) {
    change(pace);
    bool paused = pace.wanted || pace.answers > kMaxAnswers;
    if (std::exchange(pace.paused, paused) != paused) connection_->pauseReading(paused);
  });
}

void Socket::onInput(std::string_view input) {
  while (!closing_) {
    auto event = decoder_.next(input);
    if (!event) break;
    std::visit([this](const auto& each) { handle(each); }, *event);
  }
  if (closing_ || !decoder_.failure()) return;
  close(decoder_.failure()->code, decoder_.failure()->why);
  onLost();
}

void Socket::handle(const WebSocketPing& ping) {
  if (!send(WebSocketOpcode::kPong, ping.payload)) pace([](Pace& pace) { ++pace.answers; });
}

void Socket::handle(const WebSocketClose& goodbye) {
  bool silent = goodbye.code == WebSocketCode::kNoStatus;
  close(silent ? WebSocketCode::kNormal : goodbye.code, "");
  onLost();
}

void Socket::close(WebSocketCode code, std::string_view why) {
  if (closing_.exchange(true)) return;
  write(webSocketClose(code, why));
  connection_->close();
}

void Socket::onLost() {
  closing_ = true;
  Handlers handlers = std::exchange(handlers_, {});
  if (handlers.onClosed) handlers.onClosed();
}

// Binary messages as bytes.
class Tunnel : public RawConnection, public std::enable_shared_from_this<Tunnel> {
 public:
  explicit Tunnel(std::shared_ptr<RawConnection> connection) : connection_(std::move(connection)) {}

  void start() {
    connection_->pauseReading(true);
    socket_ = startWebSocket(connection_, {[self = shared_from_this()](const auto& piece) { self->onPiece(piece); },
                                           [self = shared_from_this()] { self->call(&State::writable); },
                                           [self = shared_from_this()] { self->onLost(); }});
    socket_->pauseReading(true);
  }

  bool write(Bytes data) override { return socket_->send(WebSocketOpcode::kBinary, *data); }
  void onRead(std::function<void(std::string_view)> handler) override {
    auto shared = std::make_shared<const std::function<void(std::string_view)>>(std::move(handler));
    state_.with([&](State& state) { state.read.swap(shared); });
    pauseReading(false);
  }
  void pauseReading(bool paused) override { socket_->pauseReading(paused); }
  void onWritable(std::function<void()> handler) override {
    state_.with([&](State& state) { state.writable.swap(handler); });
  }
  void onClosed(std::function<void()> handler) override {
    bool late = state_.with([&](State& state) {
      if (!state.lost) state.closed.swap(handler);
      return state.lost;
    });
    if (late && handler) handler();
  }
  void close() override { socket_->close(WebSocketCode::kNormal, ""); }
  void setIdleTime(std::chrono::milliseconds time) override { connection_->setIdleTime(time); }

 private:
  struct State {
    bool lost = false;
    std::shared_ptr<const std::function<void(std::string_view)>> read;
    std::function<void()> writable, closed;
  };

  void onPiece(const WebSocketPiece& piece) {
    if (piece.text) return socket_->close(WebSocketCode::kUnsupportedData, "a text is no part of a tunnel");
    auto read = state_.with([](State& state) { return state.read; });
    if (read && !piece.data.empty()) (*read)(piece.data);
  }
  void call(std::function<void()> State::*which) {
    auto handler = state_.with([&](State& state) { return state.*which; });
    if (handler) handler();
  }
  void onLost() {
    State gone;  // destroyed with the lock released
    state_.with([&](State& state) {
      std::swap(gone, state);
      state.lost = true;
    });
    if (gone.closed) gone.closed();
  }

  const std::shared_ptr<RawConnection> connection_;
  std::shared_ptr<WebSocket> socket_;
  base::Guarded<State> state_;
};

}  // namespace

bool isWebSocketRequest(const Request& request) {
  if (!base::equalsIgnoreCase(request.headers.get("Upgrade"), "websocket")) return false;
  for (const auto& option : listOf(request.headers, "Connection")) {
    if (base::equalsIgnoreCase(option, "upgrade")) return true;
  }
  return false;
}

std::variant<WebSocketOffer, WebSocketRefusal> readWebSocketOffer(const Request& request) {
  if (request.method != "GET") return WebSocketRefusal{405, "bad method"};
  if (request.headers.get("Sec-WebSocket-Version") != "13")
    return WebSocketRefusal{400, "missing or bad WebSocket Version"};
  WebSocketOffer offer{std::string(request.headers.get("Sec-WebSocket-Key")),
                       listOf(request.headers, "Sec-WebSocket-Protocol")};
  auto nonce = base::decodeBase64(offer.key);
  if (!nonce || nonce->size() != 16) return WebSocketRefusal{400, "mismatch challenge/response"};
  return offer;
}

std::string webSocketAccept(std::string_view key) {
  std::string text = std::string(key) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  EVP_Digest(text.data(), text.size(), digest, &size, EVP_sha1(), nullptr);
  return base::encodeBase64({reinterpret_cast<const char*>(digest), size});
}

Headers webSocketHeaders(const WebSocketOffer& offer, std::string_view protocol) {
  Headers headers;
  headers.add("Upgrade", "websocket");
  headers.add("Connection", "Upgrade");
  headers.add("Sec-WebSocket-Accept", webSocketAccept(offer.key));
  if (!protocol.empty()) headers.add("Sec-WebSocket-Protocol", std::string(protocol));
  return headers;
}

std::shared_ptr<WebSocket> startWebSocket(std::shared_ptr<RawConnection> connection, WebSocket::Handlers handlers) {
  auto socket = std::make_shared<Socket>(std::move(connection), std::move(handlers));
  socket->start();
  return socket;
}

std::shared_ptr<RawConnection> newWebSocketTunnel(std::shared_ptr<RawConnection> connection) {
  auto tunnel = std::make_shared<Tunnel>(std::move(connection));
  tunnel->start();
  return tunnel;
}

}  // namespace wherry::net
