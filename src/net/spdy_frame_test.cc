#include "net/spdy_frame.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/encoding.h"
#include "net/test_peer.h"

namespace wherry::net {
namespace {

std::string hex(std::string_view text) {
  std::string bytes;
  for (size_t i = 0; i < text.size();) {
    if (text[i] == ' ') {
      ++i;
      continue;
    }
    bytes.push_back(static_cast<char>(std::stoi(std::string(text.substr(i, 2)), nullptr, 16)));
    i += 2;
  }
  return bytes;
}

struct Describe {
  std::string operator()(const SpdySynStream& f) const {
    return fmt::format("syn {} [{}]{}{}", f.stream, base::encodeHex(f.block), f.finished ? " fin" : "",
                       f.unidirectional ? " one-way" : "");
  }
  std::string operator()(const SpdyFieldsFrame& f) const {
    return fmt::format("fields {} [{}]{}", f.stream, base::encodeHex(f.block), f.finished ? " fin" : "");
  }
  std::string operator()(const SpdyRstStream& f) const { return fmt::format("rst {} {}", f.stream, f.status); }
  std::string operator()(const SpdySettings& f) const {
    std::string text = "settings";
    for (const auto& [id, value] : f.values) text += fmt::format(" {}={}", id, value);
    return text;
  }
  std::string operator()(const SpdyPing& f) const { return fmt::format("ping {}", f.id); }
  std::string operator()(const SpdyGoAway& f) const { return fmt::format("goaway {}", f.lastStream); }
  std::string operator()(const SpdyWindowUpdate& f) const { return fmt::format("window {} +{}", f.stream, f.delta); }
  std::string operator()(const SpdyData& f) const {
    return fmt::format("data {} \"{}\"{}", f.stream, f.data, f.finished ? " fin" : "");
  }
};

// What a decoder makes of the bytes, given in pieces of this size.
std::string decode(const std::string& bytes, size_t pieceSize) {
  SpdyDecoder decoder;
  std::string text;
  for (size_t at = 0; at < bytes.size(); at += pieceSize) {
    std::string_view input = std::string_view(bytes).substr(at, pieceSize);
    while (auto frame = decoder.next(input)) text += std::visit(Describe(), *frame) + "; ";
  }
  if (!decoder.failure().empty()) text += "failure: " + std::string(decoder.failure());
  return text;
}

TEST(SpdyFrame, IsRead) {
  struct Case {
    const char* sentence;
    std::string bytes;
    const char* expected;
  };
  const Case cases[] = {
      {"a stream is opened", hex("80030001 0000000c 00000001 00000000 0000 abcd"), "syn 1 [abcd]; "},
      {"a stream is opened and finished", hex("80030001 0100000a 00000003 00000000 0000"), "syn 3 [] fin; "},
      {"a stream one way", hex("80030001 0200000a 00000003 00000000 0000"), "syn 3 [] one-way; "},
      {"the reserved bit of a stream's number is read over", hex("80030001 0000000a 80000005 00000000 0000"),
       "syn 5 []; "},
      {"more fields", hex("80030008 00000005 00000001 ff"), "fields 1 [ff]; "},
      {"a reply", hex("80030002 01000004 00000002"), "fields 2 [] fin; "},
      {"a reset", hex("80030003 00000008 00000001 00000005"), "rst 1 5; "},
      {"settings", hex("80030004 00000014 00000002 01000004 00000064 00000007 00010000"), "settings 4=100 7=65536; "},
      {"a ping", hex("80030006 00000004 00000007"), "ping 7; "},
      {"a goodbye", hex("80030007 00000008 00000005 00000000"), "goaway 5; "},
      {"a wider window", hex("80030009 00000008 00000001 00001000"), "window 1 +4096; "},
      {"an empty end", hex("00000001 01000000"), "data 1 \"\" fin; "},
      {"a frame of an unknown type is read over", hex("8003000b 00000003 010203") + hex("80030006 00000004 00000001"),
       "ping 1; "},
      {"several frames", hex("80030006 00000004 00000001 80030006 00000004 00000003"), "ping 1; ping 3; "},
      {"version 2 is none", hex("80020006 00000004 00000001"), "failure: not version 3"},
      {"data on stream 0", hex("00000000 00000001 61"), "failure: data on stream 0"},
      {"a control frame beyond the limit", hex("80030001 00ffffff"), "failure: a control frame is too large"},
      {"a short SYN_STREAM", hex("80030001 00000009 00000001 00000000 00"), "failure: a SYN_STREAM is too short"},
      {"a long PING", hex("80030006 00000005 0000000101"), "failure: a PING has not 4 bytes"},
      {"a WINDOW_UPDATE by nothing", hex("80030009 00000008 00000001 00000000"), "failure: a WINDOW_UPDATE by nothing"},
      {"settings that say they are more", hex("80030004 00000004 ffffffff"), "failure: a SETTINGS has a wrong length"},
      {"a head that is not whole", hex("800300"), ""},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(decode(c.bytes, c.bytes.size()), c.expected) << c.sentence;
    EXPECT_EQ(decode(c.bytes, 1), c.expected) << c.sentence << ", byte by byte";
  }
}

TEST(SpdyFrame, DataComesInPiecesAsItCame) {
  std::string bytes = hex("00000003 01000006") + "abcdef";
  EXPECT_EQ(decode(bytes, bytes.size()), "data 3 \"abcdef\" fin; ");
  EXPECT_EQ(decode(bytes, 11), "data 3 \"abc\"; data 3 \"def\" fin; ");
}

TEST(SpdyFrame, IsWritten) {
  EXPECT_EQ(spdySynReply(1, "\xab"), hex("80030002 00000005 00000001 ab"));
  EXPECT_EQ(spdyRstStream(3, SpdyStatus::kRefusedStream), hex("80030003 00000008 00000003 00000003"));
  EXPECT_EQ(spdyPing(9), hex("80030006 00000004 00000009"));
  EXPECT_EQ(spdyGoAway(5, true), hex("80030007 00000008 00000005 00000001"));
  EXPECT_EQ(spdyWindowUpdate(1, 4096), hex("80030009 00000008 00000001 00001000"));
  EXPECT_EQ(spdyData(1, "ab", true), hex("00000001 01000002") + "ab");
}

}  // namespace
}  // namespace wherry::net
