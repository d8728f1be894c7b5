// libFuzzer: heads and chunked bodies of HTTP/1.1 out of any bytes.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "net/chunked.h"
#include "net/http_head.h"

namespace net = wherry::net;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view bytes(reinterpret_cast<const char*>(data), size);
  auto request = net::parseRequestHead(bytes);
  if (auto* head = std::get_if<net::RequestHead>(&request)) {
    if (head->size > size || head->request.path.empty()) std::abort();
  }
  auto response = net::parseResponseHead(bytes, "GET");
  if (auto* head = std::get_if<net::ResponseHead>(&response)) {
    if (head->size > size) std::abort();
  }
  net::ChunkedDecoder decoder;
  std::string body;
  if (decoder.decode(bytes, body) > size || body.size() > size) std::abort();
  return 0;
}
