// The frames of WebSocket (RFC 6455) as a server reads and writes them. Pure; a decoder belongs to one connection.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "net/utf8_check.h"

namespace wherry::net {

enum class WebSocketOpcode : uint8_t { kContinuation = 0, kText = 1, kBinary = 2, kClose = 8, kPing = 9, kPong = 10 };

// Section 7.4.1.
enum class WebSocketCode : uint16_t {
  kNormal = 1000,
  kProtocolError = 1002,
  kUnsupportedData = 1003,
  kNoStatus = 1005,  // never sent
  kInvalidData = 1007,
  kTooBig = 1009,
};

// Texts point into the decoder, until next() is called again.
// A piece of a message, as much of it as has come; several frames of one message are one to the reader.
struct WebSocketPiece {
  bool text;
  std::string_view data;
  bool first, last;  // of the message
};
struct WebSocketPing {
  std::string_view payload;
};
struct WebSocketPong {};
struct WebSocketClose {
  WebSocketCode code;  // kNoStatus when none was given
};
using WebSocketEvent = std::variant<WebSocketPiece, WebSocketPing, WebSocketPong, WebSocketClose>;

struct WebSocketFailure {
  WebSocketCode code;
  std::string_view why;  // a constant text
};

class WebSocketDecoder {
 public:
  explicit WebSocketDecoder(uint64_t maxMessage = 32 << 20) : maxMessage_(maxMessage) {}

  // The next event at the front of `input`, which loses what was taken of it. Nothing when more has to come, or when
  // there is a failure(): then nothing ever will.
  std::optional<WebSocketEvent> next(std::string_view& input);
  const std::optional<WebSocketFailure>& failure() const { return failure_; }

 private:
  enum class Step { kHead, kPayload };

  bool readHead(std::string_view& input);
  bool checkHead(uint8_t first, uint8_t second);
  bool beginMessage();
  std::optional<WebSocketEvent> readMessage(std::string_view& input);
  std::optional<WebSocketEvent> readControl(std::string_view& input);
  std::optional<WebSocketEvent> parseClose();
  void takePayload(std::string_view& input);
  bool fail(WebSocketCode code, std::string_view why);

  const uint64_t maxMessage_;
  Step step_ = Step::kHead;
  std::string head_;
  WebSocketOpcode opcode_ = WebSocketOpcode::kContinuation;
  bool finalFrame_ = false;
  char mask_[4] = {};
  size_t maskAt_ = 0;
  uint64_t left_ = 0;       // bytes of the frame that have not come
  std::string payload_;     // unmasked: of a control frame all that came, else the piece
  bool inMessage_ = false;  // a message has begun and not ended
  bool text_ = false;       // it
  bool first_ = false;      // nothing of it was handed over
  uint64_t messageSize_ = 0;
  Utf8Check utf8_;
  std::optional<WebSocketFailure> failure_;
};

// A whole message, or a control frame (of at most 125 bytes), as a server sends it: not masked.
std::string webSocketFrame(WebSocketOpcode opcode, std::string_view payload);
std::string webSocketClose(WebSocketCode code, std::string_view why);

}  // namespace wherry::net
