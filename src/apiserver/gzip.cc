#include "apiserver/gzip.h"

#include <memory>
#include <new>

#include <zlib.h>

namespace wherry::apiserver {
namespace {

constexpr int kGzip = 15 + 16;  // windowBits: the largest window, in gzip's frame

void setInput(z_stream& zlib, std::string_view text) {
  zlib.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(text.data()));
  zlib.avail_in = static_cast<uInt>(text.size());
}

// Calls `step` until it is not Z_OK, and collects what it puts out; nothing beyond `most` bytes.
template <typename Step>
std::optional<std::string> collect(z_stream& zlib, size_t most, Step step) {
  std::string text;
  for (int result = Z_OK; result == Z_OK;) {
    char buffer[16384];
    zlib.next_out = reinterpret_cast<Bytef*>(buffer);
    zlib.avail_out = sizeof buffer;
    result = step(&zlib);
    text.append(buffer, sizeof buffer - zlib.avail_out);
    if (result == Z_STREAM_END && text.size() <= most) return text;
    if (text.size() > most) return std::nullopt;
  }
  return std::nullopt;
}

}  // namespace

std::string gzip(std::string_view text) {
  z_stream zlib{};
  if (::deflateInit2(&zlib, Z_DEFAULT_COMPRESSION, Z_DEFLATED, kGzip, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
    throw std::bad_alloc();
  }
  setInput(zlib, text);
  auto bytes = collect(zlib, std::string::npos, [](z_stream* stream) { return ::deflate(stream, Z_FINISH); });
  ::deflateEnd(&zlib);
  return bytes.value_or("");
}

std::optional<std::string> gunzip(std::string_view bytes, size_t most) {
  z_stream zlib{};
  if (::inflateInit2(&zlib, kGzip) != Z_OK) throw std::bad_alloc();
  setInput(zlib, bytes);
  auto text = collect(zlib, most, [](z_stream* stream) { return ::inflate(stream, Z_NO_FLUSH); });
  ::inflateEnd(&zlib);
  return text;
}

}  // namespace wherry::apiserver
