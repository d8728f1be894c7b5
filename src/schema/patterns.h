// Regular expressions of schemas (RE2's dialect). Safe from any thread.
#pragma once

#include <string>
#include <string_view>

namespace wherry::schema {

bool isPattern(const std::string& text);

// Whether `pattern` occurs in `text`. A pattern that RE2 can't read matches everything: whoever stored it was told so.
// Compiled once; a bounded number of patterns is kept.
bool matchesPattern(const std::string& pattern, std::string_view text);

}  // namespace wherry::schema
