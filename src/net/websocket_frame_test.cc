#include "net/websocket_frame.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "net/test_peer.h"
#include "net/websocket.h"

namespace wherry::net {
namespace {

struct Describe {
  std::string operator()(const WebSocketPiece& p) const {
    return fmt::format("{}{}\"{}\"{}", p.text ? "text " : "", p.first ? "<" : "", p.data, p.last ? ">" : "");
  }
  std::string operator()(const WebSocketPing& p) const { return fmt::format("ping \"{}\"", p.payload); }
  std::string operator()(const WebSocketPong&) const { return "pong"; }
  std::string operator()(const WebSocketClose& c) const { return fmt::format("close {}", static_cast<int>(c.code)); }
};

std::string decode(const std::string& bytes, size_t pieceSize, uint64_t limit = 1000) {
  WebSocketDecoder decoder(limit);
  std::string text;
  for (size_t at = 0; at < bytes.size(); at += pieceSize) {
    std::string_view input = std::string_view(bytes).substr(at, pieceSize);
    while (auto event = decoder.next(input)) text += std::visit(Describe(), *event) + "; ";
  }
  if (decoder.failure()) {
    text += fmt::format("failure {}: {}", static_cast<int>(decoder.failure()->code), decoder.failure()->why);
  }
  return text;
}

constexpr auto frame = TestWebSocket::frame;

TEST(WebSocketFrame, IsRead) {
  struct Case {
    const char* sentence;
    std::string bytes;
    std::string expected;
  };
  std::string unmasked = "\x82\x01x";
  const Case cases[] = {
      {"a binary message", frame(2, "ab", true), "<\"ab\">; "},
      {"an empty one", frame(2, "", true), "<\"\">; "},
      {"a text", frame(1, "h\xc3\xa4", true), "text <\"h\xc3\xa4\">; "},
      {"a message in two frames", frame(2, "ab", false) + frame(0, "cd", true), "<\"ab\"; \"cd\">; "},
      {"a ping between them", frame(2, "ab", false) + frame(9, "p", true) + frame(0, "cd", true),
       "<\"ab\"; ping \"p\"; \"cd\">; "},
      {"a character in two frames", frame(1, "\xc3", false) + frame(0, "\xa4", true),
       "text <\"\xc3\"; text \"\xa4\">; "},
      {"a pong", frame(10, "", true), "pong; "},
      {"a goodbye without a word", frame(8, "", true), "close 1005; "},
      {"a goodbye", frame(8, "\x03\xe8gone", true), "close 1000; "},
      {"text that is not UTF-8", frame(1, "\xff", true), "failure 1007: a text is not UTF-8"},
      {"text that stops within a character", frame(1, "\xe2\x82", true), "failure 1007: a text is not UTF-8"},
      {"a surrogate", frame(1, "\xed\xa0\x80", true), "failure 1007: a text is not UTF-8"},
      {"a form longer than it need be", frame(1, "\xc0\x80", true), "failure 1007: a text is not UTF-8"},
      {"a frame without a mask", unmasked, "failure 1002: a frame is not masked"},
      {"reserved bits", "\xc2" + frame(2, "", true).substr(1), "failure 1002: reserved bits are set"},
      {"an unknown opcode", frame(3, "", true), "failure 1002: an unknown opcode"},
      {"a ping in parts", frame(9, "", false), "failure 1002: a control frame is in parts or long"},
      {"a long ping", frame(9, std::string(126, 'x'), true), "failure 1002: a control frame is in parts or long"},
      {"a continuation of nothing", frame(0, "", true), "failure 1002: a message's parts are out of order"},
      {"a message within a message", frame(2, "", false) + frame(2, "", true),
       "<\"\"; failure 1002: a message's parts are out of order"},
      {"a goodbye with one byte", frame(8, "x", true), "failure 1002: a close frame without a valid code"},
      {"a goodbye with a reserved code", frame(8, "\x03\xed", true),
       "failure 1002: a close frame without a valid code"},
      {"a reason that is not UTF-8", frame(8, "\x03\xe8\xff", true), "failure 1007: a reason is not UTF-8"},
      {"a message beyond the limit", frame(2, std::string(1001, 'x'), true), "failure 1009: a message is too large"},
      {"a length of 64 bits", std::string("\x82\xff\xff\xff\xff\xff\xff\xff\xff\xff\0\0\0\0", 14),
       "failure 1002: a length of 64 bits"},
      {"a length of 63 bits", std::string("\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xff\0\0\0\0", 14),
       "failure 1009: a message is too large"},
  };
  for (const auto& c : cases) EXPECT_EQ(decode(c.bytes, c.bytes.size()), c.expected) << c.sentence;
}

TEST(WebSocketFrame, ByteByByteItFailsAlike) {
  EXPECT_EQ(decode(frame(2, "abc", true), 1), "<\"a\"; \"b\"; \"c\">; ");
  EXPECT_EQ(decode(frame(9, "abc", true), 1), "ping \"abc\"; ");
  EXPECT_EQ(decode(frame(1, "a\xff", true), 1), "text <\"a\"; failure 1007: a text is not UTF-8");
}

TEST(WebSocketFrame, TheLimitIsOfTheMessageNotOfItsFrames) {
  std::string half = frame(2, std::string(600, 'x'), false), other = frame(0, std::string(600, 'x'), true);
  EXPECT_EQ(decode(half + other, 10'000), "<\"" + std::string(600, 'x') + "\"; failure 1009: a message is too large");
}

TEST(WebSocketFrame, IsWritten) {
  EXPECT_EQ(webSocketFrame(WebSocketOpcode::kBinary, "ab"),
            "\x82\x02"
            "ab");
  EXPECT_EQ(webSocketFrame(WebSocketOpcode::kText, std::string(126, 'x')).substr(0, 4),
            std::string("\x81\x7e\0\x7e", 4));
  EXPECT_EQ(webSocketFrame(WebSocketOpcode::kBinary, std::string(65536, 'x')).substr(0, 10),
            std::string("\x82\x7f\0\0\0\0\0\1\0\0", 10));
  EXPECT_EQ(webSocketClose(WebSocketCode::kNormal, "bye"),
            "\x88\x05\x03\xe8"
            "bye");
}

TEST(WebSocket, AcceptsTheKeyOfTheNormsExample) {
  EXPECT_EQ(webSocketAccept("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

}  // namespace
}  // namespace wherry::net
