// libFuzzer: pages that a proxied pod might send. What is rewritten is only ever longer, and by prefixes alone.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "apiserver/gzip.h"
#include "apiserver/proxy_rewrite.h"

namespace apiserver = wherry::apiserver;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view bytes(reinterpret_cast<const char*>(data), size);
  std::string same = apiserver::rewriteProxyHtml(bytes, {"", "/", "\x01", "\x01"});
  if (same != bytes) std::abort();  // with nothing to put in front, and nobody's host, a page stays as it is
  (void)apiserver::rewriteProxyHtml(bytes, {"/p", "/", "a:80", "b"});
  (void)apiserver::gunzip(bytes, 10'000);
  return 0;
}
