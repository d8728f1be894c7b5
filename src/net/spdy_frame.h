// The frames of SPDY/3.1 as a server reads and writes them. Pure; a decoder belongs to one connection.
//
// The norm: https://www.chromium.org/spdy/spdy-protocol/spdy-protocol-draft3-1/ (sections are cited as there).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace wherry::net {

// Section 2.4.2.
enum class SpdyStatus : uint32_t {
  kProtocolError = 1,
  kInvalidStream = 2,
  kRefusedStream = 3,
  kCancel = 5,
  kInternalError = 6,
  kFlowControlError = 7,
  kStreamInUse = 8,
};

// Texts point into the decoder or its input, until next() is called again.
struct SpdySynStream {
  uint32_t stream;
  bool finished;        // the opener sends nothing
  bool unidirectional;  // it wants nothing
  std::string_view block;
};
// Of a stream that we opened, which we don't, or more fields of one: of interest for the state of the compression
// alone.
struct SpdyFieldsFrame {
  uint32_t stream;
  bool finished;
  std::string_view block;
};
struct SpdyRstStream {
  uint32_t stream;
  uint32_t status;
};
struct SpdySettings {
  std::vector<std::pair<uint32_t, uint32_t>> values;  // id and value
};
struct SpdyPing {
  uint32_t id;
};
struct SpdyGoAway {
  uint32_t lastStream;
};
struct SpdyWindowUpdate {
  uint32_t stream;  // 0: the connection
  uint32_t delta;
};
// A piece of a DATA frame, as much of it as has come.
struct SpdyData {
  uint32_t stream;
  std::string_view data;
  bool finished;  // with the frame's last piece
};
using SpdyFrame = std::variant<SpdySynStream, SpdyFieldsFrame, SpdyRstStream, SpdySettings, SpdyPing, SpdyGoAway,
                               SpdyWindowUpdate, SpdyData>;

inline constexpr uint32_t kSpdyInitialWindow = 64 << 10;
inline constexpr uint32_t kSpdySettingsInitialWindow = 7;  // the id of SETTINGS_INITIAL_WINDOW_SIZE
inline constexpr size_t kSpdyMaxControlFrame = 64 << 10;   // bytes behind the frame's head

class SpdyDecoder {
 public:
  // The next frame, or the next piece of one, at the front of `input`, which loses what was taken of it. Nothing when
  // more has to come, or when failure() says why nothing ever will.
  std::optional<SpdyFrame> next(std::string_view& input);
  std::string_view failure() const { return failure_; }

 private:
  enum class Step { kHead, kData, kControl, kFailed };

  bool readHead(std::string_view& input);
  std::optional<SpdyFrame> readData(std::string_view& input);
  std::optional<SpdyFrame> readControl(std::string_view& input);
  std::optional<SpdyFrame> parseControl();
  std::optional<SpdyFrame> parseSettings();
  std::optional<SpdyFrame> fail(std::string_view why);

  Step step_ = Step::kHead;
  std::string head_;     // as much as has come of its 8 bytes
  std::string control_;  // of a control frame
  uint16_t type_ = 0;
  uint32_t stream_ = 0;
  uint8_t flags_ = 0;
  uint32_t left_ = 0;  // bytes of the frame that have not come
  std::string_view failure_;
};

std::string spdySynReply(uint32_t stream, std::string_view block);
std::string spdyRstStream(uint32_t stream, SpdyStatus status);
std::string spdyPing(uint32_t id);
std::string spdyGoAway(uint32_t lastStream, bool protocolError);
std::string spdyWindowUpdate(uint32_t stream, uint32_t delta);
// The whole frame. REQUIRES: less than 16 MiB of data.
std::string spdyData(uint32_t stream, std::string_view data, bool finished);

}  // namespace wherry::net
