// Durations as the Gateway API writes them (GEP-2257): "1h30m", "2s500ms". A subset of Go's.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

namespace wherry::meta {

// Nothing when it is none.
std::optional<std::chrono::milliseconds> parseGatewayDuration(std::string_view text);

}  // namespace wherry::meta
