// libFuzzer: times as clients write them, and ages. A time that was read is written as a text that stands for it.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "meta/time.h"

namespace meta = wherry::meta;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  if (auto time = meta::parseTime(text)) {
    auto micros = std::chrono::floor<std::chrono::microseconds>(*time);
    auto again = meta::parseTime(meta::formatMicroTime(*time));
    if (!again || *again != micros) std::abort();
    auto whole = meta::parseTime(meta::formatTime(*time));
    if (!whole || *whole != std::chrono::floor<std::chrono::seconds>(*time)) std::abort();
  }
  int64_t seconds = 0;
  std::memcpy(&seconds, data, size < sizeof seconds ? size : sizeof seconds);
  if (meta::humanDuration(std::chrono::seconds(seconds)).empty()) std::abort();
  return 0;
}
