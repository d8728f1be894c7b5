#include "meta/names.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/ip.h"
#include "base/strings.h"

namespace wherry::meta {
namespace {

using Errors = std::vector<std::string>;

constexpr size_t kMaxLabelLength = 63;       // RFC 1035 section 2.3.4
constexpr size_t kMaxSubdomainLength = 253;  // what is left of 255 bytes on the wire
constexpr size_t kMaxPortNameLength = 15;    // RFC 6335 section 5.1

bool isDigit(char c) { return c >= '0' && c <= '9'; }
bool isLower(char c) { return c >= 'a' && c <= 'z'; }
bool isUpper(char c) { return c >= 'A' && c <= 'Z'; }
bool isLowerAlnum(char c) { return isLower(c) || isDigit(c); }
bool isAlnum(char c) { return isLowerAlnum(c) || isUpper(c); }

template <typename Predicate>
bool all(std::string_view text, Predicate holds) {
  return std::all_of(text.begin(), text.end(), holds);
}

std::string tooLong(size_t max) { return fmt::format("must be no more than {} bytes", max); }

// Kubernetes' way to end such a sentence: (e.g. 'my-name', or '123-abc', regex used for validation is '...')
std::string withRegex(std::string_view sentence, std::string_view regex,
                      std::initializer_list<std::string_view> examples) {
  std::string text = fmt::format("{} (e.g. ", sentence);
  bool first = true;
  for (std::string_view example : examples) {
    text += fmt::format("{}'{}', ", first ? "" : "or ", example);
    first = false;
  }
  return text + fmt::format("regex used for validation is '{}')", regex);
}

bool isDns1123Label(std::string_view text) {
  return !text.empty() && isLowerAlnum(text.front()) && isLowerAlnum(text.back()) &&
         all(text, [](char c) { return isLowerAlnum(c) || c == '-'; });
}

bool isDns1123Subdomain(std::string_view text) {
  auto labels = base::split(text, '.');
  return std::all_of(labels.begin(), labels.end(), isDns1123Label);
}

bool isDns1035Label(std::string_view text) { return isDns1123Label(text) && isLower(text[0]); }

// What stands behind the optional prefix of a label's key.
bool isQualifiedPart(std::string_view text) {
  return !text.empty() && isAlnum(text.front()) && isAlnum(text.back()) &&
         all(text, [](char c) { return isAlnum(c) || c == '-' || c == '_' || c == '.'; });
}

std::string qualifiedPartRule() {
  return withRegex(
      "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
      "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]", {"MyName", "my.name", "123-abc"});
}

void append(Errors& errors, std::string_view prefix, const Errors& more) {
  for (const std::string& error : more) errors.push_back(std::string(prefix) + error);
}

}  // namespace

Errors checkDns1123Label(std::string_view text) {
  Errors errors;
  if (text.size() > kMaxLabelLength) errors.push_back(tooLong(kMaxLabelLength));
  if (!isDns1123Label(text)) {
    errors.push_back(
        withRegex("a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must "
                  "start and end with an alphanumeric character",
                  "[a-z0-9]([-a-z0-9]*[a-z0-9])?", {"my-name", "123-abc"}));
  }
  return errors;
}

Errors checkDns1123Subdomain(std::string_view text) {
  Errors errors;
  if (text.size() > kMaxSubdomainLength) errors.push_back(tooLong(kMaxSubdomainLength));
  if (!isDns1123Subdomain(text)) {
    errors.push_back(
        withRegex("a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and "
                  "must start and end with an alphanumeric character",
                  "[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*", {"example.com"}));
  }
  return errors;
}

Errors checkDns1035Label(std::string_view text) {
  Errors errors;
  if (text.size() > kMaxLabelLength) errors.push_back(tooLong(kMaxLabelLength));
  if (!isDns1035Label(text)) {
    errors.push_back(withRegex(
        "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic "
        "character, and end with an alphanumeric character",
        "[a-z]([-a-z0-9]*[a-z0-9])?", {"my-name", "abc-123"}));
  }
  return errors;
}

Errors checkPathSegment(std::string_view text) {
  if (text == "." || text == "..") return {fmt::format("may not be '{}'", text)};
  Errors errors;
  for (char banned : {'/', '%'}) {
    if (text.find(banned) != std::string_view::npos) errors.push_back(fmt::format("may not contain '{}'", banned));
  }
  return errors;
}

Errors checkQualifiedName(std::string_view text) {
  Errors errors;
  auto parts = base::split(text, '/');
  if (parts.size() > 2) {
    return {"a qualified name " + qualifiedPartRule() +
            " with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"};
  }
  std::string_view name = parts.back();
  if (parts.size() == 2 && parts[0].empty()) errors.push_back("prefix part must be non-empty");
  if (parts.size() == 2 && !parts[0].empty()) append(errors, "prefix part ", checkDns1123Subdomain(parts[0]));
  if (name.empty()) errors.push_back("name part must be non-empty");
  if (name.size() > kMaxLabelLength) errors.push_back("name part " + tooLong(kMaxLabelLength));
  if (!isQualifiedPart(name)) errors.push_back("name part " + qualifiedPartRule());
  return errors;
}

Errors checkLabelValue(std::string_view text) {
  Errors errors;
  if (text.size() > kMaxLabelLength) errors.push_back(tooLong(kMaxLabelLength));
  if (!text.empty() && !isQualifiedPart(text)) {
    errors.push_back(withRegex(
        "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must "
        "start and end with an alphanumeric character",
        "(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?", {"MyValue", "my_value", "12345"}));
  }
  return errors;
}

namespace {

// "10.1.02.3" -> "10.1.2.3"
std::string withoutLeadingZeros(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    bool begins = out.empty() || out.ends_with('.');
    bool more = i + 1 < text.size() && text[i + 1] >= '0' && text[i + 1] <= '9';
    if (!(text[i] == '0' && begins && more)) out += text[i];
  }
  return out;
}

}  // namespace

// KEP-4858
Errors checkIp(std::string_view text) {
  auto bytes = base::parseIp(text);
  if (bytes && bytes->starts_with(std::string("\0\0\0\0\0\0\0\0\0\0\xff\xff", 12))) {
    return {"must not be an IPv4-mapped IPv6 address"};
  }
  if (bytes) return {};
  if (base::parseIp(withoutLeadingZeros(text))) return {"must not have leading 0s"};
  return {"must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"};
}

Errors checkPortName(std::string_view text) {
  Errors errors;
  if (text.size() > kMaxPortNameLength) errors.push_back(tooLong(kMaxPortNameLength));
  if (!all(text, [](char c) { return isLowerAlnum(c) || c == '-'; })) {
    errors.push_back("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)");
  }
  if (std::none_of(text.begin(), text.end(), isLower)) errors.push_back("must contain at least one letter (a-z)");
  if (text.find("--") != std::string_view::npos) errors.push_back("must not contain consecutive hyphens");
  if (text.starts_with('-') || text.ends_with('-')) errors.push_back("must not begin or end with a hyphen");
  return errors;
}

Errors checkEnvName(std::string_view text) {
  if (text.empty()) return {"environment variable name must not be empty"};
  if (!all(text, [](char c) { return c >= 0x20 && c < 0x7f && c != '='; })) {
    return {"a valid environment variable name must consist only of printable ASCII characters other than '='"};
  }
  return {};
}

Errors checkConfigMapKey(std::string_view text) {
  Errors errors;
  if (text.size() > kMaxSubdomainLength) errors.push_back(tooLong(kMaxSubdomainLength));
  if (text.empty() || !all(text, [](char c) { return isAlnum(c) || c == '-' || c == '_' || c == '.'; })) {
    errors.push_back(withRegex("a valid config key must consist of alphanumeric characters, '-', '_' or '.'",
                               "[-._a-zA-Z0-9]+", {"key.name", "KEY_NAME", "key-name"}));
  }
  if (text == ".") errors.push_back("must not be '.'");
  if (text == "..")
    errors.push_back("must not be '..'");
  else if (text.starts_with(".."))
    errors.push_back("must not start with '..'");
  return errors;
}

}  // namespace wherry::meta
