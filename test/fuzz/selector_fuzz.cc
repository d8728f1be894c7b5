// libFuzzer: label selectors, field selectors and JSONPaths. A selector's text is read as the same selector.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "meta/selector.h"
#include "meta/status.h"
#include "schema/table_jsonpath.h"

namespace meta = wherry::meta;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    std::string canonical = meta::LabelSelector::parse(text).text();
    if (meta::LabelSelector::parse(canonical).text() != canonical) std::abort();
  } catch (const meta::StatusError&) {
  }
  try {
    meta::FieldSelector::parse(text);
  } catch (const meta::StatusError&) {
  }
  static const wherry::json::Value kObject = wherry::json::parse(R"({"a":[{"b":1},{"b":"x"}],"c":{"d":true}})");
  if (auto path = wherry::schema::JsonPath::parse(text)) path->find(kObject);
  return 0;
}
