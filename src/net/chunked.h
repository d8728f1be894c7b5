// The chunked transfer coding (RFC 9112 section 7.1). Pure; a decoder belongs to one message.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace wherry::net {

// Takes a chunked body apart as its bytes come. Chunk extensions and trailer fields are read over.
class ChunkedDecoder {
 public:
  enum class State { kMore, kDone, kMalformed };

  // Appends the data found in `input` to `body` and tells how many bytes of `input` it took: all of them, unless the
  // body has ended or is malformed. What it gives is never longer than `input`, so a caller can stop at its limit.
  size_t decode(std::string_view input, std::string& body);
  State state() const { return state_; }

 private:
  enum class Step { kSize, kExtension, kSizeLf, kData, kDataCr, kDataLf, kTrailer, kTrailerLf };

  bool step(char c);
  bool readSizeDigit(char c);
  bool readTrailer(char c);
  bool overhead();

  State state_ = State::kMore;
  Step step_ = Step::kSize;
  uint64_t left_ = 0;       // of the current chunk
  int digits_ = 0;          // read of its size
  size_t overhead_ = 0;     // bytes of the current line's extension, or of all trailers
  size_t trailerLine_ = 0;  // bytes of the current trailer line
};

// "1a\r\n", what stands before a chunk of 26 bytes; a CRLF follows the chunk.
std::string chunkHead(size_t size);
inline constexpr std::string_view kLastChunk = "0\r\n\r\n";

}  // namespace wherry::net
