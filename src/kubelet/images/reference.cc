#include "kubelet/images/reference.h"

#include <algorithm>

#include "base/strings.h"

namespace wherry::kubelet {
namespace {

bool isLowerAlnum(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

// path-component: [a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*
bool isPathComponent(std::string_view text) {
  if (text.empty() || !isLowerAlnum(text.front()) || !isLowerAlnum(text.back())) return false;
  for (size_t i = 0; i < text.size();) {
    size_t end = i;
    while (end < text.size() && !isLowerAlnum(text[end])) ++end;
    std::string_view separator = text.substr(i, end - i);
    bool dashes = std::all_of(separator.begin(), separator.end(), [](char c) { return c == '-'; });
    if (!separator.empty() && !dashes && separator != "." && separator != "_" && separator != "__") return false;
    i = end + 1;
  }
  return true;
}

bool isRepository(std::string_view text) {
  auto parts = base::split(text, '/');
  return text.size() <= 255 && std::all_of(parts.begin(), parts.end(), isPathComponent);
}

// tag: [\w][\w.-]{0,127}
bool isTag(std::string_view text) {
  auto word = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; };
  return !text.empty() && text.size() <= 128 && word(text.front()) &&
         std::all_of(text.begin(), text.end(), [&](char c) { return word(c) || c == '.' || c == '-'; });
}

bool isSha256(std::string_view text) {
  constexpr std::string_view kPrefix = "sha256:";
  return text.size() == kPrefix.size() + 64 && text.starts_with(kPrefix) &&
         text.substr(kPrefix.size()).find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

bool isRegistry(std::string_view text) {
  if (text.empty() || text.front() == '.' || text.front() == '-') return false;
  return std::all_of(text.begin(), text.end(), [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '.' || c == '-' || c == ':' || c == '[' || c == ']';
  });
}

// The first part names a registry only if it could not be a directory of docker.io: it has a dot or a port, or is
// "localhost".
void splitRegistry(std::string_view name, ImageReference& into) {
  auto parts = base::splitOnce(name, '/');
  bool named = parts && (parts->first.find_first_of(".:") != std::string_view::npos || parts->first == "localhost");
  into.registry = named ? parts->first : "docker.io";
  into.repository = named ? parts->second : name;
  if (into.registry == "index.docker.io") into.registry = "docker.io";
  if (into.registry == "docker.io" && into.repository.find('/') == std::string::npos) {
    into.repository = "library/" + into.repository;
  }
}

}  // namespace

std::optional<ImageReference> ImageReference::parse(std::string_view text) {
  ImageReference reference;
  if (auto at = base::splitOnce(text, '@')) {
    reference.digest = at->second;
    text = at->first;
    if (!isSha256(reference.digest)) return std::nullopt;
  }
  size_t colon = text.rfind(':');
  size_t slash = text.rfind('/');
  if (colon != std::string_view::npos && (slash == std::string_view::npos || colon > slash)) {
    reference.tag = text.substr(colon + 1);
    text = text.substr(0, colon);
    if (!isTag(reference.tag)) return std::nullopt;
  }
  if (reference.tag.empty() && reference.digest.empty()) reference.tag = "latest";
  splitRegistry(text, reference);
  if (!isRegistry(reference.registry) || !isRepository(reference.repository)) return std::nullopt;
  return reference;
}

std::string ImageReference::text() const {
  std::string out = repositoryText();
  if (!tag.empty()) out += ":" + tag;
  if (!digest.empty()) out += "@" + digest;
  return out;
}

}  // namespace wherry::kubelet
