// The name/value blocks of SPDY/3 (section 2.6.10), compressed with zlib and the dictionary of the norm. Each direction
// of a connection is one zlib stream: blocks must be read and written in the order of their frames. Not thread-safe.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "net/http.h"

struct z_stream_s;

namespace wherry::net {

inline constexpr size_t kSpdyMaxFields = 200;
inline constexpr size_t kSpdyMaxFieldBytes = 64 << 10;  // of a block, decompressed

class SpdyFieldReader {
 public:
  SpdyFieldReader();
  ~SpdyFieldReader();
  // Nothing when the block is malformed or too large: the connection is then of no more use.
  std::optional<Headers> read(std::string_view block);

 private:
  std::optional<std::string> inflate(std::string_view block);

  std::unique_ptr<z_stream_s> zlib_;
};

class SpdyFieldWriter {
 public:
  SpdyFieldWriter();
  ~SpdyFieldWriter();
  std::string write(const Headers& fields);

 private:
  std::unique_ptr<z_stream_s> zlib_;
};

// Without compression.
std::optional<Headers> parseSpdyFields(std::string_view text);
std::string renderSpdyFields(const Headers& fields);

// What zlib is given before the first block.
const std::string& spdyDictionary();

}  // namespace wherry::net
