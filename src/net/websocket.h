// A WebSocket server (RFC 6455) over an upgraded HTTP/1.1 connection. Safe from any thread.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "net/server.h"
#include "net/websocket_frame.h"

namespace wherry::net {

// What a client asks for in the head of its request.
struct WebSocketOffer {
  std::string key;
  std::vector<std::string> protocols;  // in the client's order
};
// Whether it wants a WebSocket at all.
bool isWebSocketRequest(const Request& request);
struct WebSocketRefusal {
  int status;
  std::string why;
};
// Section 4.2.1.
std::variant<WebSocketOffer, WebSocketRefusal> readWebSocketOffer(const Request& request);
// Fields of the 101. `protocol` "": none was agreed.
Headers webSocketHeaders(const WebSocketOffer& offer, std::string_view protocol);
// Section 4.2.2.
std::string webSocketAccept(std::string_view key);

class WebSocket {
 public:
  struct Handlers {
    std::function<void(const WebSocketPiece&)> onPiece;  // on the connection's thread
    std::function<void()> onWritable;
    std::function<void()> onClosed;  // the client has gone or said goodbye; once
  };
  virtual ~WebSocket() = default;
  // A message, or a part of the connection's own talk; false: wait for onWritable.
  virtual bool send(WebSocketOpcode opcode, std::string_view payload) = 0;
  virtual void pauseReading(bool paused) = 0;
  // Says goodbye behind what was sent.
  virtual void close(WebSocketCode code, std::string_view why) = 0;
};

// Pings are answered and goodbyes returned; what breaks the protocol is told and ends the connection. It lives as long
// as its connection, whoever holds it.
std::shared_ptr<WebSocket> startWebSocket(std::shared_ptr<RawConnection> connection, WebSocket::Handlers handlers);

// The binary messages of a WebSocket, one after the other, as the bytes of a connection; each write() is a message.
std::shared_ptr<RawConnection> newWebSocketTunnel(std::shared_ptr<RawConnection> connection);

}  // namespace wherry::net
