#include "net/websocket_frame.h"

#include <algorithm>

namespace wherry::net {
namespace {

constexpr size_t kMaxControl = 125;
constexpr uint8_t kFinal = 0x80, kReserved = 0x70, kMasked = 0x80;

bool isControl(WebSocketOpcode opcode) { return static_cast<uint8_t>(opcode) >= 8; }

bool isKnown(uint8_t opcode) { return opcode <= 2 || (opcode >= 8 && opcode <= 10); }

uint64_t number(std::string_view bytes) {
  uint64_t value = 0;
  for (char c : bytes) value = value << 8 | static_cast<uint8_t>(c);
  return value;
}

void append(std::string& out, uint64_t value, size_t size) {
  while (size-- > 0) out.push_back(static_cast<char>(value >> (8 * size) & 0xff));
}

// Section 7.4: what may be sent in a close frame.
bool isSendable(uint64_t code) {
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999);
}

}  // namespace

bool WebSocketDecoder::fail(WebSocketCode code, std::string_view why) {
  failure_ = WebSocketFailure{code, why};
  return false;
}

std::optional<WebSocketEvent> WebSocketDecoder::next(std::string_view& input) {
  if (failure_ || (step_ == Step::kHead && !readHead(input))) return std::nullopt;
  return isControl(opcode_) ? readControl(input) : readMessage(input);
}

// Section 5.2.
bool WebSocketDecoder::readHead(std::string_view& input) {
  auto need = [&](size_t size) {
    if (head_.size() >= size) return true;
    size_t count = std::min(size - head_.size(), input.size());
    head_.append(input, 0, count);
    input.remove_prefix(count);
    return head_.size() >= size;
  };
  if (!need(2) || !checkHead(static_cast<uint8_t>(head_[0]), static_cast<uint8_t>(head_[1]))) return false;
  uint8_t length = static_cast<uint8_t>(head_[1]) & ~kMasked;
  size_t lengthSize = length == 127 ? 8 : length == 126 ? 2 : 0;
  if (!need(2 + lengthSize + sizeof mask_)) return false;
  std::string_view head = head_;
  left_ = lengthSize == 0 ? length : number(head.substr(2, lengthSize));
  if (left_ >> 63 != 0) return fail(WebSocketCode::kProtocolError, "a length of 64 bits");
  head.copy(mask_, sizeof mask_, 2 + lengthSize);
  maskAt_ = 0;
  head_.clear();
  payload_.clear();
  step_ = Step::kPayload;
  return isControl(opcode_) || beginMessage();
}

bool WebSocketDecoder::checkHead(uint8_t first, uint8_t second) {
  if ((first & kReserved) != 0) return fail(WebSocketCode::kProtocolError, "reserved bits are set");
  if (!isKnown(first & 0xf)) return fail(WebSocketCode::kProtocolError, "an unknown opcode");
  if ((second & kMasked) == 0) return fail(WebSocketCode::kProtocolError, "a frame is not masked");
  opcode_ = static_cast<WebSocketOpcode>(first & 0xf);
  finalFrame_ = (first & kFinal) != 0;
  bool whole = finalFrame_ && (second & ~kMasked) <= kMaxControl;
  if (isControl(opcode_) && !whole) return fail(WebSocketCode::kProtocolError, "a control frame is in parts or long");
  bool continues = opcode_ == WebSocketOpcode::kContinuation;
  if (!isControl(opcode_) && continues != inMessage_) {
    return fail(WebSocketCode::kProtocolError, "a message's parts are out of order");
  }
  return true;
}

bool WebSocketDecoder::beginMessage() {
  if (!inMessage_) {
    inMessage_ = first_ = true;
    text_ = opcode_ == WebSocketOpcode::kText;
    messageSize_ = 0;
    utf8_ = {};
  }
  messageSize_ += std::min(left_, maxMessage_ + 1);
  return messageSize_ <= maxMessage_ || fail(WebSocketCode::kTooBig, "a message is too large");
}

// Appends to payload_ what has come of the frame.
void WebSocketDecoder::takePayload(std::string_view& input) {
  size_t count = static_cast<size_t>(std::min<uint64_t>(left_, input.size()));
  size_t at = payload_.size();
  payload_.append(input, 0, count);
  for (; at < payload_.size(); ++at) payload_[at] = static_cast<char>(payload_[at] ^ mask_[maskAt_++ & 3]);
  input.remove_prefix(count);
  left_ -= count;
  if (left_ == 0) step_ = Step::kHead;
}

std::optional<WebSocketEvent> WebSocketDecoder::readMessage(std::string_view& input) {
  if (left_ > 0 && input.empty()) return std::nullopt;
  payload_.clear();
  takePayload(input);
  bool last = left_ == 0 && finalFrame_;
  if (text_ && (!utf8_.add(payload_) || (last && !utf8_.complete()))) {
    fail(WebSocketCode::kInvalidData, "a text is not UTF-8");
    return std::nullopt;
  }
  bool first = first_;
  first_ = false;
  inMessage_ = !last;
  return WebSocketPiece{text_, payload_, first, last};
}

std::optional<WebSocketEvent> WebSocketDecoder::readControl(std::string_view& input) {
  takePayload(input);
  if (left_ > 0) return std::nullopt;
  if (opcode_ == WebSocketOpcode::kPing) return WebSocketPing{payload_};
  if (opcode_ == WebSocketOpcode::kPong) return WebSocketPong{};
  return parseClose();
}

std::optional<WebSocketEvent> WebSocketDecoder::parseClose() {
  if (payload_.empty()) return WebSocketClose{WebSocketCode::kNoStatus};
  uint64_t code = payload_.size() < 2 ? 0 : number(std::string_view(payload_).substr(0, 2));
  Utf8Check reason;
  bool readable = payload_.size() < 2 || (reason.add(std::string_view(payload_).substr(2)) && reason.complete());
  if (!isSendable(code)) {
    fail(WebSocketCode::kProtocolError, "a close frame without a valid code");
  } else if (!readable) {
    fail(WebSocketCode::kInvalidData, "a reason is not UTF-8");
  } else {
    return WebSocketClose{static_cast<WebSocketCode>(code)};
  }
  return std::nullopt;
}

std::string webSocketFrame(WebSocketOpcode opcode, std::string_view payload) {
  std::string frame;
  frame.reserve(payload.size() + 10);
  frame.push_back(static_cast<char>(kFinal | static_cast<uint8_t>(opcode)));
  if (payload.size() <= kMaxControl) {
    append(frame, payload.size(), 1);
  } else if (payload.size() <= 0xffff) {
    append(frame, 126, 1);
    append(frame, payload.size(), 2);
  } else {
    append(frame, 127, 1);
    append(frame, payload.size(), 8);
  }
  return frame.append(payload);
}

std::string webSocketClose(WebSocketCode code, std::string_view why) {
  std::string payload;
  append(payload, static_cast<uint16_t>(code), 2);
  payload.append(why.substr(0, kMaxControl - 2));
  return webSocketFrame(WebSocketOpcode::kClose, payload);
}

}  // namespace wherry::net
