// What a YAML scalar stands for: null, truth, number or text (YAML 1.2 core schema, section 10.3.2, with the integers
// that Go's YAML libraries read: a leading 0 is octal, 0x, 0o and 0b are prefixes). Pure.
#pragma once

#include <string>
#include <string_view>

#include "json/value.h"

namespace wherry::json {

// `tag` as the parser reports it: "?" for a plain scalar, "!" for a quoted one, else the whole tag.
Value resolveScalar(std::string_view tag, std::string_view text);

}  // namespace wherry::json
