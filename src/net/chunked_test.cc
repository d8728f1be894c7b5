#include "net/chunked.h"

#include <gtest/gtest.h>

namespace wherry::net {
namespace {

using State = ChunkedDecoder::State;

struct ChunkCase {
  const char* name;
  std::string input;
  State state;
  std::string body;
  size_t taken;
};

const ChunkCase kCases[] = {
    {"one chunk", "5\r\nhello\r\n0\r\n\r\n", State::kDone, "hello", 15},
    {"two chunks in hexadecimal", "A\r\n0123456789\r\n1\r\nx\r\n0\r\n\r\n", State::kDone, "0123456789x", 26},
    {"the next request is not taken", "0\r\n\r\nGET /", State::kDone, "", 5},
    {"an extension", "5;a=b\r\nhello\r\n0;c\r\n\r\n", State::kDone, "hello", 21},
    {"trailers", "0\r\nX: y\r\nZ: w\r\n\r\n", State::kDone, "", 17},
    {"half a chunk", "5\r\nhel", State::kMore, "hel", 6},
    {"no size", "\r\nhello", State::kMalformed, "", 1},
    {"a size that is no number", "xyz\r\n", State::kMalformed, "", 1},
    {"a negative size", "-5\r\nhello\r\n", State::kMalformed, "", 1},
    {"a prefixed size", "0x5\r\nhello\r\n", State::kMalformed, "", 2},
    {"a space behind the size", "5 \r\nhello\r\n", State::kMalformed, "", 2},
    {"a bare LF behind the size", "5\nhello\r\n", State::kMalformed, "", 2},
    {"a bare LF in an extension", "5;a\nhello\r\n", State::kMalformed, "", 4},
    {"no CRLF behind the data", "5\r\nhelloX\r\n", State::kMalformed, "hello", 9},
    {"more data than the size says", "2\r\nhello\r\n", State::kMalformed, "he", 6},
    {"a size beyond 60 bits", "1111111111111111\r\n", State::kMalformed, "", 16},
    {"a bare LF behind a trailer", "0\r\nX: y\n\r\n", State::kMalformed, "", 8},
};

TEST(ChunkedDecoder, TakesABodyApart) {
  for (const ChunkCase& test : kCases) {
    SCOPED_TRACE(test.name);
    ChunkedDecoder decoder;
    std::string body;
    EXPECT_EQ(decoder.decode(test.input, body), test.taken);
    EXPECT_EQ(decoder.state(), test.state);
    EXPECT_EQ(body, test.body);
  }
}

TEST(ChunkedDecoder, DoesNotMindHowTheBytesCome) {
  for (const ChunkCase& test : kCases) {
    SCOPED_TRACE(test.name);
    ChunkedDecoder decoder;
    std::string body;
    size_t taken = 0;
    for (char c : test.input) taken += decoder.decode({&c, 1}, body);
    EXPECT_EQ(taken, test.taken);
    EXPECT_EQ(decoder.state(), test.state);
    EXPECT_EQ(body, test.body);
  }
}

TEST(ChunkedDecoder, ReadsNoEndlessExtensionOrTrailer) {
  std::string body;
  ChunkedDecoder extension;
  extension.decode("5;" + std::string(20000, 'x'), body);
  EXPECT_EQ(extension.state(), State::kMalformed);
  ChunkedDecoder trailer;
  trailer.decode("0\r\n" + std::string(20000, 'x'), body);
  EXPECT_EQ(trailer.state(), State::kMalformed);
  ChunkedDecoder manyTrailers;
  std::string lines = "0\r\n";
  for (int i = 0; i < 9000; ++i) lines += "x\r\n";
  manyTrailers.decode(lines, body);
  EXPECT_EQ(manyTrailers.state(), State::kMalformed);
}

TEST(ChunkHead, IsTheSizeInHexadecimal) { EXPECT_EQ(chunkHead(26), "1a\r\n"); }

}  // namespace
}  // namespace wherry::net
