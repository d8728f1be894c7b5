#include "ingress/annotation_values.h"

#include <algorithm>
#include <array>

#include <re2/re2.h>

#include "base/ip_address.h"
#include "base/strings.h"
#include "meta/names.h"

namespace wherry::ingress {
namespace {

constexpr size_t kExpressionBytes = 1000;
constexpr int64_t kExpressionMemory = 1 << 20;
constexpr size_t kShownBytes = 100;

bool isAlphanumeric(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }

std::optional<std::string> readCidr(std::string_view text) {
  if (auto prefix = base::IpPrefix::parse(text)) return prefix->text();
  if (auto address = base::IpAddress::parse(text)) return address->text();
  return std::nullopt;
}

bool isPort(std::string_view text) {
  const auto number = base::parseInt<uint16_t>(text);
  return number && *number != 0;
}

}  // namespace

std::optional<bool> readBool(std::string_view text) {
  constexpr std::array<std::string_view, 6> kTrue = {"1", "t", "T", "true", "TRUE", "True"};
  constexpr std::array<std::string_view, 6> kFalse = {"0", "f", "F", "false", "FALSE", "False"};
  if (std::find(kTrue.begin(), kTrue.end(), text) != kTrue.end()) return true;
  if (std::find(kFalse.begin(), kFalse.end(), text) != kFalse.end()) return false;
  return std::nullopt;
}

std::optional<bool> readSwitch(std::string_view text) {
  if (text == "on") return true;
  if (text == "off") return false;
  return readBool(text);
}

std::optional<uint64_t> readSize(std::string_view text) {
  uint64_t unit = 1;
  if (!text.empty()) {
    const char last = text.back();
    if (last == 'k' || last == 'K') unit = uint64_t{1} << 10;
    if (last == 'm' || last == 'M') unit = uint64_t{1} << 20;
    if (last == 'g' || last == 'G') unit = uint64_t{1} << 30;
    if (unit != 1) text.remove_suffix(1);
  }
  const auto number = base::parseInt<uint32_t>(text);
  if (!number) return std::nullopt;
  return *number * unit;
}

std::optional<uint32_t> readCount(std::string_view text) {
  const auto number = base::parseInt<uint32_t>(text);
  return number && *number <= 1'000'000'000 ? number : std::nullopt;
}

std::vector<std::string> readList(std::string_view text) {
  std::vector<std::string> pieces;
  for (std::string_view piece : base::split(text, ',')) {
    if (piece = base::trim(piece); !piece.empty()) pieces.emplace_back(piece);
  }
  return pieces;
}

std::optional<std::vector<std::string>> readCidrs(std::string_view text) {
  std::vector<std::string> cidrs;
  for (const std::string& piece : readList(text)) {
    auto cidr = readCidr(piece);
    if (!cidr) return std::nullopt;
    cidrs.push_back(std::move(*cidr));
  }
  if (cidrs.empty()) return std::nullopt;
  return cidrs;
}

bool isToken(std::string_view text) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return isAlphanumeric(c) || kMarks.find(c) != std::string_view::npos;
  });
}

bool isPlainName(std::string_view text) {
  constexpr std::string_view kMarks = "-_.~";
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return isAlphanumeric(c) || kMarks.find(c) != std::string_view::npos;
  });
}

bool isHeaderText(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c <= 0x7e; });
}

bool isUriText(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c <= 0x7e; });
}

bool isHostName(std::string_view text, Wildcard wildcard) {
  if (wildcard == Wildcard::kFirstLabel && text.starts_with("*.")) text.remove_prefix(2);
  return meta::checkDns1123Subdomain(text).empty();
}

bool isAuthority(std::string_view text) {
  if (text.starts_with('[')) {
    const size_t end = text.find(']');
    if (end == std::string_view::npos || !base::IpAddress::parse(text.substr(1, end - 1))) return false;
    const auto rest = text.substr(end + 1);
    return rest.empty() || (rest.starts_with(':') && isPort(rest.substr(1)));
  }
  const auto parts = base::splitOnce(text, ':');
  if (parts && !isPort(parts->second)) return false;
  return isHostName(base::toLower(parts ? parts->first : text));
}

bool isOrigin(std::string_view text) {
  const bool tls = text.starts_with("https://");
  if (!tls && !text.starts_with("http://")) return false;
  text.remove_prefix(tls ? 8 : 7);
  if (text.starts_with("*.")) text.remove_prefix(2);
  return isAuthority(text);
}

std::optional<int> groupsOf(const std::string& expression) {
  if (expression.size() > kExpressionBytes) return std::nullopt;
  re2::RE2::Options options(re2::RE2::Quiet);
  options.set_max_mem(kExpressionMemory);
  const re2::RE2 compiled(expression, options);
  if (!compiled.ok()) return std::nullopt;
  return compiled.NumberOfCapturingGroups();
}

std::string printable(std::string_view text) {
  std::string shown;
  for (char c : text.substr(0, kShownBytes)) shown += c >= 0x20 && c <= 0x7e ? c : '?';
  return shown + (text.size() > kShownBytes ? "..." : "");
}

std::string quoted(std::string_view text) { return '"' + printable(text) + '"'; }

}  // namespace wherry::ingress
