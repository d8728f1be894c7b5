// Texts in gzip (RFC 1952). Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace wherry::apiserver {

std::string gzip(std::string_view text);
// Nothing when it is malformed, cut off, or longer than `most` bytes.
std::optional<std::string> gunzip(std::string_view bytes, size_t most);

}  // namespace wherry::apiserver
