#include "apiserver/json_scan.h"

#include "json/value.h"

namespace wherry::apiserver {
namespace {

size_t skipString(std::string_view text, size_t at) {  // `at` is the opening quote; the answer is past the closing one
  for (++at; at < text.size(); ++at) {
    if (text[at] == '\\') {
      ++at;
    } else if (text[at] == '"') {
      return at + 1;
    }
  }
  return text.size();
}

size_t skipContainer(std::string_view text, size_t at) {
  int depth = 0;
  while (at < text.size()) {
    char c = text[at];
    if (c == '"') {
      at = skipString(text, at);
      continue;
    }
    if (c == '{' || c == '[') ++depth;
    if ((c == '}' || c == ']') && --depth == 0) return at + 1;
    ++at;
  }
  return text.size();
}

size_t skipValue(std::string_view text, size_t at) {
  if (at >= text.size()) return at;
  if (text[at] == '"') return skipString(text, at);
  if (text[at] == '{' || text[at] == '[') return skipContainer(text, at);
  auto end = text.find_first_of(",}]", at);
  return end == std::string_view::npos ? text.size() : end;
}

}  // namespace

void forEachMember(std::string_view text, const std::function<bool(std::string_view, std::string_view)>& f) {
  size_t at = 1;  // past '{'
  while (at < text.size() && text[at] == '"') {
    size_t keyEnd = skipString(text, at);
    auto key = text.substr(at + 1, keyEnd - at - 2);
    size_t valueAt = keyEnd + 1;  // past ':'
    size_t valueEnd = skipValue(text, valueAt);
    if (valueAt >= text.size() || !f(key, text.substr(valueAt, valueEnd - valueAt))) return;
    at = valueEnd + 1;  // past ','
  }
}

std::optional<std::string_view> findMember(std::string_view text, std::string_view key) {
  size_t at = 1;
  while (at < text.size() && text[at] == '"') {
    size_t keyEnd = skipString(text, at);
    size_t valueAt = keyEnd + 1;
    size_t valueEnd = skipValue(text, valueAt);
    if (valueAt >= text.size()) return std::nullopt;
    if (text.substr(at + 1, keyEnd - at - 2) == key) return text.substr(valueAt, valueEnd - valueAt);
    at = valueEnd + 1;
  }
  return std::nullopt;
}

std::optional<std::string_view> findPath(std::string_view text, std::string_view dottedPath) {
  for (;;) {
    auto dot = dottedPath.find('.');
    auto found = findMember(text, dottedPath.substr(0, dot));
    if (!found || dot == std::string_view::npos) return found;
    if (found->empty() || found->front() != '{') return std::nullopt;
    text = *found;
    dottedPath.remove_prefix(dot + 1);
  }
}

std::string scalarText(std::string_view raw) {
  if (raw == "null") return {};
  if (raw.size() < 2 || raw.front() != '"') return std::string(raw);
  auto inner = raw.substr(1, raw.size() - 2);
  if (inner.find('\\') == std::string_view::npos) return std::string(inner);
  return std::string(json::parse(raw).as_string());
}

}  // namespace wherry::apiserver
