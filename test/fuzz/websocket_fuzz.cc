// libFuzzer: WebSocket frames out of any bytes, in pieces of the size that the first byte says.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "net/websocket_frame.h"

namespace net = wherry::net;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  size_t pieceSize = data[0] + size_t{1};
  net::WebSocketDecoder decoder(1000);
  bool inMessage = false;
  size_t messageSize = 0;
  for (size_t at = 0; at < bytes.size(); at += pieceSize) {
    std::string_view input = bytes.substr(at, pieceSize);
    while (auto event = decoder.next(input)) {
      auto* piece = std::get_if<net::WebSocketPiece>(&*event);
      if (!piece) continue;
      if (piece->first == inMessage) std::abort();
      messageSize = (piece->first ? 0 : messageSize) + piece->data.size();
      if (messageSize > 1000) std::abort();
      inMessage = !piece->last;
    }
    if (decoder.failure()) break;
    if (!input.empty()) std::abort();  // without a failure all of it is taken
  }
  return 0;
}
