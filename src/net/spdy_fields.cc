#include "net/spdy_fields.h"

#include <new>

#include <zlib.h>

#include "base/strings.h"

namespace wherry::net {
namespace {

// The dictionary's first part: words as they stand in a block, each behind its length.
constexpr std::string_view kWords[] = {"options",
                                       "head",
                                       "post",
                                       "put",
                                       "delete",
                                       "trace",
                                       "accept",
                                       "accept-charset",
                                       "accept-encoding",
                                       "accept-language",
                                       "accept-ranges",
                                       "age",
                                       "allow",
                                       "authorization",
                                       "cache-control",
                                       "connection",
                                       "content-base",
                                       "content-encoding",
                                       "content-language",
                                       "content-length",
                                       "content-location",
                                       "content-md5",
                                       "content-range",
                                       "content-type",
                                       "date",
                                       "etag",
                                       "expect",
                                       "expires",
                                       "from",
                                       "host",
                                       "if-match",
                                       "if-modified-since",
                                       "if-none-match",
                                       "if-range",
                                       "if-unmodified-since",
                                       "last-modified",
                                       "location",
                                       "max-forwards",
                                       "pragma",
                                       "proxy-authenticate",
                                       "proxy-authorization",
                                       "range",
                                       "referer",
                                       "retry-after",
                                       "server",
                                       "te",
                                       "trailer",
                                       "transfer-encoding",
                                       "upgrade",
                                       "user-agent",
                                       "vary",
                                       "via",
                                       "warning",
                                       "www-authenticate",
                                       "method",
                                       "get",
                                       "status",
                                       "200 OK",
                                       "version",
                                       "HTTP/1.1",
                                       "url",
                                       "public",
                                       "set-cookie",
                                       "keep-alive",
                                       "origin"};
// The rest, without any.
constexpr std::string_view kText =
    "100101201202205206300302303304305306307402405406407408409410411412413414415416417502504505"
    "203 Non-Authoritative Information204 No Content301 Moved Permanently400 Bad Request401 Unauthorized"
    "403 Forbidden404 Not Found500 Internal Server Error501 Not Implemented503 Service Unavailable"
    "Jan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec 00:00:00 Mon, Tue, Wed, Thu, Fri, Sat, Sun, GMT"
    "chunked,text/html,image/png,image/jpg,image/gif,application/xml,application/xhtml+xml,text/plain,"
    "text/javascript,publicprivatemax-age=gzip,deflate,sdchcharset=utf-8charset=iso-8859-1,utf-,*,enq=0.";

// The writer's memory: 11 KiB instead of 260, since the fields of a reply are few.
constexpr int kWindowBits = 11;
constexpr int kMemoryLevel = 1;

void append(std::string& out, size_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<char>(value >> shift & 0xff));
}

void appendWithLength(std::string& out, std::string_view text) {
  append(out, text.size());
  out.append(text);
}

const Bytef* bytes(std::string_view text) { return reinterpret_cast<const Bytef*>(text.data()); }

// Takes numbers and texts off the front of a block.
class BlockReader {
 public:
  explicit BlockReader(std::string_view text) : text_(text) {}

  std::optional<size_t> number() {
    if (text_.size() < 4) return std::nullopt;
    size_t value = 0;
    for (size_t i = 0; i < 4; ++i) value = value << 8 | static_cast<uint8_t>(text_[i]);
    text_.remove_prefix(4);
    return value;
  }
  std::optional<std::string> text() {
    auto size = number();
    if (!size || *size > text_.size()) return std::nullopt;
    std::string result(text_.substr(0, *size));
    text_.remove_prefix(*size);
    return result;
  }
  bool atEnd() const { return text_.empty(); }

 private:
  std::string_view text_;
};

}  // namespace

const std::string& spdyDictionary() {
  static const std::string kDictionary = [] {
    std::string text;
    for (auto word : kWords) appendWithLength(text, word);
    return text.append(kText);
  }();
  return kDictionary;
}

std::optional<Headers> parseSpdyFields(std::string_view text) {
  BlockReader reader(text);
  auto count = reader.number();
  if (!count || *count > kSpdyMaxFields) return std::nullopt;
  Headers fields;
  for (size_t i = 0; i < *count; ++i) {
    auto name = reader.text();
    auto value = name ? reader.text() : std::nullopt;
    if (!value || name->empty() || fields.has(*name)) return std::nullopt;
    fields.add(std::move(*name), std::move(*value));
  }
  return reader.atEnd() ? std::optional(std::move(fields)) : std::nullopt;
}

std::string renderSpdyFields(const Headers& fields) {
  std::string text;
  append(text, fields.fields().size());
  for (const auto& [name, value] : fields.fields()) {
    appendWithLength(text, base::toLower(name));
    appendWithLength(text, value);
  }
  return text;
}

SpdyFieldReader::SpdyFieldReader() : zlib_(std::make_unique<z_stream>()) {
  if (::inflateInit(zlib_.get()) != Z_OK) throw std::bad_alloc();
}

SpdyFieldReader::~SpdyFieldReader() { ::inflateEnd(zlib_.get()); }

std::optional<Headers> SpdyFieldReader::read(std::string_view block) {
  auto text = inflate(block);
  return text ? parseSpdyFields(*text) : std::nullopt;
}

std::optional<std::string> SpdyFieldReader::inflate(std::string_view block) {
  zlib_->next_in = const_cast<Bytef*>(bytes(block));
  zlib_->avail_in = static_cast<uInt>(block.size());
  std::string text;
  for (;;) {
    char buffer[4096];
    zlib_->next_out = reinterpret_cast<Bytef*>(buffer);
    zlib_->avail_out = sizeof buffer;
    int result = ::inflate(zlib_.get(), Z_SYNC_FLUSH);
    if (result == Z_NEED_DICT) {
      const std::string& dictionary = spdyDictionary();
      result = ::inflateSetDictionary(zlib_.get(), bytes(dictionary), static_cast<uInt>(dictionary.size()));
    }
    // Z_STREAM_END is no end that a block may have: there would be none after it.
    if (result != Z_OK && result != Z_BUF_ERROR) return std::nullopt;
    text.append(buffer, sizeof buffer - zlib_->avail_out);
    if (text.size() > kSpdyMaxFieldBytes) return std::nullopt;
    if (zlib_->avail_in == 0 && zlib_->avail_out > 0) return text;
    if (result == Z_BUF_ERROR) return std::nullopt;
  }
}

SpdyFieldWriter::SpdyFieldWriter() : zlib_(std::make_unique<z_stream>()) {
  const std::string& dictionary = spdyDictionary();
  bool ready = ::deflateInit2(zlib_.get(), Z_DEFAULT_COMPRESSION, Z_DEFLATED, kWindowBits, kMemoryLevel,
                              Z_DEFAULT_STRATEGY) == Z_OK &&
               ::deflateSetDictionary(zlib_.get(), bytes(dictionary), static_cast<uInt>(dictionary.size())) == Z_OK;
  if (!ready) throw std::bad_alloc();
}

SpdyFieldWriter::~SpdyFieldWriter() { ::deflateEnd(zlib_.get()); }

std::string SpdyFieldWriter::write(const Headers& fields) {
  std::string text = renderSpdyFields(fields);
  std::string block;
  zlib_->next_in = const_cast<Bytef*>(bytes(text));
  zlib_->avail_in = static_cast<uInt>(text.size());
  do {
    char buffer[1024];
    zlib_->next_out = reinterpret_cast<Bytef*>(buffer);
    zlib_->avail_out = sizeof buffer;
    ::deflate(zlib_.get(), Z_SYNC_FLUSH);
    block.append(buffer, sizeof buffer - zlib_->avail_out);
  } while (zlib_->avail_out == 0);
  return block;
}

}  // namespace wherry::net
