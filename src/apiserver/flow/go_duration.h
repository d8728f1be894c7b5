// Lengths of time as Go writes them: "1m30s", "500ms", "1.5h", "0". Pure.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

namespace wherry::apiserver {

// Nothing for what is none, or is longer than a century.
std::optional<std::chrono::nanoseconds> parseGoDuration(std::string_view text);

}  // namespace wherry::apiserver
