// Words of HAProxy's configuration language, out of texts of users. Nothing in what these return is more than the one
// word, sample argument or map key that it stands for, whatever the text has: quotes, newlines, braces, '%', '$', NUL.
// Pure.
//
// HAProxy's configuration manual, "Quoting and escaping" and "Custom log format".
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

namespace wherry::ingress {

// The text can't be said to HAProxy; what() is a sentence for the user.
struct Unsayable : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// One word, literally. Throws Unsayable for control characters.
std::string word(std::string_view text);
// The same where HAProxy reads a log format: "%" loses its meaning.
std::string literalFormat(std::string_view text);
// Inside of a word with a log format that is put together: no quotes around it; see formatWord().
std::string formatPart(std::string_view text);
// Put together of formatPart()s and of %[...] of our own: one word.
std::string formatWord(std::string_view format);
// What a regular expression's match becomes; "$1" stands for its first group. One word.
std::string replacement(std::string_view text);
// A regular expression of a user's (PCRE), in whatever way it is put together: one word. A match that would go back and
// forth without an end is given up, and is none then.
std::string expression(std::string_view regex);
// The name of a header, cookie or query parameter as a sample's argument. Throws Unsayable for all but letters, digits
// and "-_.~".
std::string argument(std::string_view name);
// A key of a map file. Throws Unsayable for spaces and control characters.
std::string mapKey(std::string_view text);

}  // namespace wherry::ingress
