#include "ingress/quoting.h"

#include <algorithm>

#include <fmt/format.h>

namespace wherry::ingress {
namespace {

bool isControl(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }
bool isDigit(char c) { return c >= '0' && c <= '9'; }
bool isPlain(char c) { return isDigit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

void refuseControls(std::string_view text) {
  if (std::any_of(text.begin(), text.end(), isControl)) throw Unsayable("a text has control characters in it");
}

std::string replaced(std::string_view text, char what, std::string_view with) {
  std::string result;
  for (char c : text) c == what ? result.append(with) : result.append(1, c);
  return result;
}

}  // namespace

// Between single quotes everything is literal but the single quote.
std::string word(std::string_view text) {
  refuseControls(text);
  return fmt::format("'{}'", replaced(text, '\'', R"('\'')"));
}

std::string formatPart(std::string_view text) {
  refuseControls(text);
  return replaced(text, '%', "%%");
}

std::string formatWord(std::string_view format) { return word(format); }

std::string literalFormat(std::string_view text) { return formatWord(formatPart(text)); }

// How often a match may go on or back before it is given up. An ordinary expression does so once a byte of a path at
// most; so many take some tenths of a millisecond, and PCRE2's own limit thirty. pcre2pattern(3), "Setting match
// resource limits".
constexpr int kMatchLimit = 50'000;

std::string expression(std::string_view regex) { return word(fmt::format("(*LIMIT_MATCH={}){}", kMatchLimit, regex)); }

std::string replacement(std::string_view text) {
  std::string format;
  for (size_t i = 0; i < text.size(); ++i) {
    bool isGroup = text[i] == '$' && i + 1 < text.size() && isDigit(text[i + 1]);
    format += isGroup ? "\\" : text[i] == '\\' ? "\\\\" : formatPart(text.substr(i, 1));
  }
  return formatWord(format);
}

std::string argument(std::string_view name) {
  auto isAllowed = [](char c) { return isPlain(c) || std::string_view("-_.~").find(c) != std::string_view::npos; };
  if (name.empty() || !std::all_of(name.begin(), name.end(), isAllowed)) {
    throw Unsayable(fmt::format("{:?} is no name of a header, cookie or query parameter", name));
  }
  return std::string(name);
}

std::string mapKey(std::string_view text) {
  refuseControls(text);
  if (text.empty() || text.find(' ') != std::string_view::npos) {
    throw Unsayable(fmt::format("\"{}\" has a space in it: no request does", text));
  }
  return std::string(text);
}

}  // namespace wherry::ingress
