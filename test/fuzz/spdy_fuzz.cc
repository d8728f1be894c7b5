// libFuzzer: SPDY frames and their compressed blocks out of any bytes, in pieces of the size that the first byte says.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "net/spdy_fields.h"
#include "net/spdy_frame.h"

namespace net = wherry::net;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  size_t pieceSize = data[0] + size_t{1};
  net::SpdyDecoder decoder;
  net::SpdyFieldReader reader;
  size_t carried = 0;
  for (size_t at = 0; at < bytes.size(); at += pieceSize) {
    std::string_view input = bytes.substr(at, pieceSize);
    while (auto frame = decoder.next(input)) {
      if (auto* opened = std::get_if<net::SpdySynStream>(&*frame)) {
        auto fields = reader.read(opened->block);
        if (fields && fields->fields().size() > net::kSpdyMaxFields) std::abort();
      } else if (auto* piece = std::get_if<net::SpdyData>(&*frame)) {
        carried += piece->data.size();
      }
    }
    if (!decoder.failure().empty()) break;
    if (!input.empty()) std::abort();  // without a failure all of it is taken
  }
  if (carried > bytes.size()) std::abort();
  (void)net::parseSpdyFields(bytes);
  return 0;
}
