// libFuzzer: JSON out of any bytes. What was read once and written must be read and written the same again.
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
    std::string written = json::serialize(value);
    json::Value again = json::parse(written);
    if (json::serialize(again) != written) std::abort();
    if (!json::equal(json::parse(json::serializePretty(again)), again)) std::abort();
  } catch (const json::ParseError&) {
  }
  return 0;
}
