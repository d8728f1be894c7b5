// libFuzzer: YAML out of any bytes. What was read can be written as YAML and read again.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "json/yaml.h"

namespace json = wherry::json;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  std::vector<json::Value> documents;
  try {
    documents = json::parseYamlStream(text);
    for (const json::Value& document : documents) json::parse(json::serialize(document));
  } catch (const json::ParseError&) {
    return 0;  // also text that is no UTF-8, which JSON must be
  }
  for (const json::Value& document : documents) {
    if (!json::equal(json::parseYaml(json::renderYaml(document)), document)) std::abort();
  }
  return 0;
}
