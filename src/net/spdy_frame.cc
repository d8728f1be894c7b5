#include "net/spdy_frame.h"

#include <algorithm>

namespace wherry::net {
namespace {

constexpr size_t kHeadSize = 8;
constexpr uint16_t kControlBit = 0x8000;
constexpr uint16_t kVersion = 3;
constexpr uint8_t kFin = 1;
constexpr uint8_t kUnidirectional = 2;
constexpr size_t kMaxSettings = 64;

enum Type : uint16_t {
  kSynStream = 1,
  kSynReply = 2,
  kRstStream = 3,
  kSettings = 4,
  kPing = 6,
  kGoAway = 7,
  kHeaders = 8,
  kWindowUpdate = 9,
};

uint32_t number(std::string_view bytes, size_t at, size_t size = 4) {
  uint32_t value = 0;
  for (size_t i = at; i < at + size; ++i) value = value << 8 | static_cast<uint8_t>(bytes[i]);
  return value;
}

// A number of 31 bits: the highest is reserved.
uint32_t number31(std::string_view bytes, size_t at) { return number(bytes, at) & 0x7fffffff; }

void append(std::string& out, uint32_t value, size_t size = 4) {
  while (size-- > 0) out.push_back(static_cast<char>(value >> (8 * size) & 0xff));
}

std::string controlFrame(Type type, std::string_view payload) {
  std::string frame;
  frame.reserve(kHeadSize + payload.size());
  append(frame, kControlBit | kVersion, 2);
  append(frame, type, 2);
  append(frame, static_cast<uint32_t>(payload.size()));  // and no flags
  frame.append(payload);
  return frame;
}

std::string twoNumbers(Type type, uint32_t first, uint32_t second) {
  std::string payload;
  append(payload, first);
  append(payload, second);
  return controlFrame(type, payload);
}

}  // namespace

std::optional<SpdyFrame> SpdyDecoder::fail(std::string_view why) {
  failure_ = why;
  step_ = Step::kFailed;
  return std::nullopt;
}

std::optional<SpdyFrame> SpdyDecoder::next(std::string_view& input) {
  while (step_ != Step::kFailed) {
    if (step_ == Step::kHead && !readHead(input)) return std::nullopt;
    if (step_ == Step::kData) return readData(input);
    if (step_ != Step::kControl) continue;
    auto frame = readControl(input);
    if (frame || step_ == Step::kControl) return frame;  // else: of a type that nobody knows, which is read over
  }
  return std::nullopt;
}

bool SpdyDecoder::readHead(std::string_view& input) {
  size_t count = std::min(kHeadSize - head_.size(), input.size());
  head_.append(input, 0, count);
  input.remove_prefix(count);
  if (head_.size() < kHeadSize) return false;
  uint32_t first = number(head_, 0);
  flags_ = static_cast<uint8_t>(head_[4]);
  left_ = number(head_, 5, 3);
  head_.clear();
  if ((first >> 16 & kControlBit) == 0) {
    stream_ = first;
    step_ = Step::kData;
    return stream_ != 0 || fail("data on stream 0");
  }
  type_ = static_cast<uint16_t>(first);
  control_.clear();
  step_ = Step::kControl;
  if ((first >> 16 & ~kControlBit & 0xffff) != kVersion) return fail("not version 3").has_value();
  return left_ <= kSpdyMaxControlFrame || fail("a control frame is too large");
}

std::optional<SpdyFrame> SpdyDecoder::readData(std::string_view& input) {
  if (left_ > 0 && input.empty()) return std::nullopt;
  std::string_view piece = input.substr(0, left_);
  input.remove_prefix(piece.size());
  left_ -= static_cast<uint32_t>(piece.size());
  if (left_ == 0) step_ = Step::kHead;
  return SpdyData{stream_, piece, left_ == 0 && (flags_ & kFin) != 0};
}

std::optional<SpdyFrame> SpdyDecoder::readControl(std::string_view& input) {
  size_t count = std::min<size_t>(left_, input.size());
  control_.append(input, 0, count);
  input.remove_prefix(count);
  left_ -= static_cast<uint32_t>(count);
  if (left_ > 0) return std::nullopt;
  step_ = Step::kHead;
  return parseControl();
}

std::optional<SpdyFrame> SpdyDecoder::parseControl() {
  auto has = [this](size_t size) { return control_.size() >= size; };
  bool finished = (flags_ & kFin) != 0;
  std::string_view payload = control_;
  switch (type_) {
    case kSynStream:
      if (!has(10)) return fail("a SYN_STREAM is too short");
      return SpdySynStream{number31(payload, 0), finished, (flags_ & kUnidirectional) != 0, payload.substr(10)};
    case kSynReply:
    case kHeaders:
      if (!has(4)) return fail("a frame of fields is too short");
      return SpdyFieldsFrame{number31(payload, 0), finished, payload.substr(4)};
    case kRstStream:
      if (control_.size() != 8) return fail("a RST_STREAM has not 8 bytes");
      return SpdyRstStream{number31(payload, 0), number(payload, 4)};
    case kSettings:
      return parseSettings();
    case kPing:
      if (control_.size() != 4) return fail("a PING has not 4 bytes");
      return SpdyPing{number(payload, 0)};
    case kGoAway:
      if (control_.size() != 8) return fail("a GOAWAY has not 8 bytes");
      return SpdyGoAway{number31(payload, 0)};
    case kWindowUpdate:
      if (control_.size() != 8) return fail("a WINDOW_UPDATE has not 8 bytes");
      if (number31(payload, 4) == 0) return fail("a WINDOW_UPDATE by nothing");
      return SpdyWindowUpdate{number31(payload, 0), number31(payload, 4)};
    default:
      return std::nullopt;  // section 2.2.1: ignored
  }
}

std::optional<SpdyFrame> SpdyDecoder::parseSettings() {
  if (control_.size() < 4) return fail("a SETTINGS is too short");
  size_t count = number(control_, 0);
  if (count > kMaxSettings || control_.size() != 4 + 8 * count) return fail("a SETTINGS has a wrong length");
  SpdySettings settings;
  for (size_t at = 4; at < control_.size(); at += 8) {
    settings.values.emplace_back(number(control_, at + 1, 3), number(control_, at + 4));
  }
  return settings;
}

std::string spdySynReply(uint32_t stream, std::string_view block) {
  std::string payload;
  append(payload, stream);
  payload.append(block);
  return controlFrame(kSynReply, payload);
}

std::string spdyRstStream(uint32_t stream, SpdyStatus status) {
  return twoNumbers(kRstStream, stream, static_cast<uint32_t>(status));
}

std::string spdyPing(uint32_t id) {
  std::string payload;
  append(payload, id);
  return controlFrame(kPing, payload);
}

std::string spdyGoAway(uint32_t lastStream, bool protocolError) {
  return twoNumbers(kGoAway, lastStream, protocolError ? 1 : 0);
}

std::string spdyWindowUpdate(uint32_t stream, uint32_t delta) { return twoNumbers(kWindowUpdate, stream, delta); }

std::string spdyData(uint32_t stream, std::string_view data, bool finished) {
  std::string frame;
  frame.reserve(kHeadSize + data.size());
  append(frame, stream);
  append(frame, finished ? kFin : 0, 1);
  append(frame, static_cast<uint32_t>(data.size()), 3);
  frame.append(data);
  return frame;
}

}  // namespace wherry::net
