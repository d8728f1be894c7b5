// libFuzzer: quantities. Their canonical text stands for the same value and is its own canonical text.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "meta/quantity.h"

namespace meta = wherry::meta;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  if (auto quantity = meta::Quantity::parse(text)) {
    auto again = meta::Quantity::parse(quantity->text());
    if (!again || *again != *quantity || again->text() != quantity->text()) std::abort();
    (*quantity + *again - *quantity).text();
    quantity->value();
    quantity->milli();
  }
  return 0;
}
