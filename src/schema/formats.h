// The formats of texts that a CustomResourceDefinition may name (OpenAPI v3, "format"). Pure.
#pragma once

#include <string_view>

namespace wherry::schema {

// Whether `text` is in this format; true for a format that nobody checks.
bool hasFormat(std::string_view format, std::string_view text);

}  // namespace wherry::schema
