// Kubernetes' channels over a WebSocket: each message is the number of its channel and bytes, raw or in base64.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>

#include "net/server.h"

namespace wherry::apiserver {

struct ChannelProtocol {
  bool base64 = false;
  bool closes = false;        // v5: a message on channel 255 ends the channel that it names
  bool statusIsJson = false;  // v4 and newer
};
ChannelProtocol channelProtocol(std::string_view name);

class WebSocketChannels {
 public:
  struct Handlers {
    // On the connection's thread.
    std::function<void(uint8_t channel, std::string_view data)> onData;
    std::function<void(uint8_t channel)> onEnd;
    std::function<void()> onWritable;
    std::function<void()> onClosed;  // once
  };
  virtual ~WebSocketChannels() = default;
  // From any thread. False: wait for onWritable.
  virtual bool send(uint8_t channel, std::string_view data) = 0;
  virtual void pauseReading(bool paused) = 0;
  virtual void close() = 0;  // behind what was sent
};

// They live as long as the connection, whoever holds them.
std::shared_ptr<WebSocketChannels> startWebSocketChannels(std::shared_ptr<net::RawConnection> connection,
                                                          ChannelProtocol protocol,
                                                          WebSocketChannels::Handlers handlers);

}  // namespace wherry::apiserver
