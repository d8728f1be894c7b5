// libFuzzer: JSON out of any bytes. What was read and written is read as the same value, and soon written the same.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "json/value.h"

namespace json = wherry::json;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    json::Value value = json::parse(text);
    json::duplicateKeys(text);
    // -0.0 is written as Kubernetes does it, "-0", which is read as the integer 0: only then it stays.
    json::Value once = json::parse(json::serialize(value));
    std::string written = json::serialize(once);
    json::Value again = json::parse(written);
    if (!json::equal(once, value) || json::serialize(again) != written) std::abort();
    if (!json::equal(json::parse(json::serializePretty(again)), again)) std::abort();
  } catch (const json::ParseError&) {
  }
  return 0;
}
