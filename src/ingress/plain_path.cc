#include "ingress/plain_path.h"

#include <optional>

#include <fmt/format.h>

#include "ingress/quoting.h"

namespace wherry::ingress {
namespace {

std::optional<int> hexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return std::nullopt;
}

// The character that "%xx" at `at` stands for.
std::optional<char> encodedAt(std::string_view text, size_t at) {
  if (text[at] != '%' || at + 2 >= text.size()) return std::nullopt;
  const auto high = hexDigit(text[at + 1]), low = hexDigit(text[at + 2]);
  if (!high || !low) return std::nullopt;
  return static_cast<char>(*high * 16 + *low);
}

bool isUnreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
         c == '_' || c == '~';
}

bool staysEncoded(char c) { return c == '%' || static_cast<unsigned char>(c) <= ' ' || c == 0x7f; }

// `with` answers what an encoded character becomes; nothing: it stays.
template <typename With>
std::string decoded(std::string_view text, With with) {
  std::string result;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto c = encodedAt(text, i);
    const std::string becomes = c ? with(*c) : "";
    if (becomes.empty()) {
      result += text[i];
    } else {
      result += becomes;
      i += 2;
    }
  }
  return result;
}

std::string prefixWords(std::string_view sample, std::string prefix) {
  while (prefix.ends_with('/')) prefix.pop_back();
  return fmt::format("{},concat(/) -m beg -- {}", sample, word(prefix + "/"));
}

std::string pathWords(std::string_view sample, PathMatch::Kind kind, const std::string& text) {
  switch (kind) {
    case PathMatch::Kind::kExact:
      return fmt::format("{} -m str -- {}", sample, word(text));
    case PathMatch::Kind::kPrefix:
      return prefixWords(sample, text);
    case PathMatch::Kind::kStart:
      return fmt::format("{} -m beg -- {}", sample, word(text));
    case PathMatch::Kind::kRegex:
      return fmt::format("{} -m reg -- {}", sample, expression(anchored(text)));
  }
  return "";
}

}  // namespace

std::string plainPath(std::string_view text) {
  std::string plain;
  for (char c : decoded(text, [](char c) { return staysEncoded(c) ? "" : std::string(1, c); })) {
    if (c == '\\') c = '/';
    if (c != '/' || !plain.ends_with('/')) plain += c;
  }
  return plain;
}

std::string plainExpression(std::string_view text) {
  return decoded(text,
                 [](char c) { return staysEncoded(c) ? "" : fmt::format("\\x{:02x}", static_cast<unsigned char>(c)); });
}

std::string spelledPath(std::string_view text) {
  return decoded(text, [](char c) { return isUnreserved(c) ? std::string(1, c) : ""; });
}

std::string anchored(std::string_view expression) {
  if (expression.starts_with('^')) expression.remove_prefix(1);
  return fmt::format("(?i)^(?:{})", expression);
}

std::string plainPathWords(const PathMatch& path) {
  const bool isExpression = path.kind == PathMatch::Kind::kRegex;
  return pathWords("var(txn.path)", path.kind, isExpression ? plainExpression(path.text) : plainPath(path.text));
}

std::string spelledPathWords(const PathMatch& path) {
  const bool isExpression = path.kind == PathMatch::Kind::kRegex;
  return pathWords("path", path.kind, isExpression ? path.text : spelledPath(path.text));
}

void renderPlainPath(ConfigText& text) {
  text.line("  http-request normalize-uri percent-decode-unreserved");
  text.line("  http-request normalize-uri path-strip-dot");
  text.line("  http-request normalize-uri path-strip-dotdot full");
  // What no rule could find: CONNECT, "OPTIONS *", and targets that are none.
  text.line("  http-request deny deny_status 400 unless {{ path -m beg / }}");
  text.line("  http-request set-var(txn.path) path");
  for (const char* sign : {"%", ";", "\\", "//"}) text.line("  acl odd path -m sub -- {}", word(sign));
  for (const char* fault : {"%([01][0-9a-f]|7f)", "%([^0-9a-f]|.[^0-9a-f]|.?$)"}) {
    text.line("  http-request deny deny_status 400 if odd {{ path -m reg -i -- {} }}", word(fault));
  }
  text.line(
      "  http-request set-var(txn.path) {} if odd",
      word(R"(path,regsub(";[^/]*","",g),url_dec,regsub("[\\\\/]+","/",g),regsub("%","%25",g),regsub(" ","%20",g))"));
  text.line("  http-request deny deny_status 400 if odd {{ var(txn.path) -m reg -- {} }}", word(R"(/\.\.?(/|$))"));
}

}  // namespace wherry::ingress
