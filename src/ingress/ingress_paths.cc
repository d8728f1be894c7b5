#include "ingress/ingress_paths.h"

#include "ingress/annotation_values.h"

namespace wherry::ingress {
namespace {

bool isDigit(char c) { return c >= '0' && c <= '9'; }

bool looksLikeRegex(std::string_view path) { return path.find_first_of("()[]{}|*+?^$\\") != std::string_view::npos; }

// Without references to groups that the expression has not, as nginx reads them.
std::string withGroups(const std::string& target, int groups) {
  std::string result;
  for (size_t i = 0; i < target.size(); ++i) {
    const bool reference = target[i] == '$' && i + 1 < target.size() && isDigit(target[i + 1]);
    if (reference && target[i + 1] - '0' > groups) {
      ++i;
    } else {
      result += target[i];
    }
  }
  return result;
}

PathChange rewriteTo(const std::string& target, int groups) {
  PathChange change{.kind = PathChange::Kind::kFull, .with = withGroups(target, groups)};
  if (change.with.find('$') != std::string::npos) change.kind = PathChange::Kind::kRegex;
  if (!change.with.starts_with('/')) change.with.insert(0, "/");
  return change;
}

PathMatch plainMatch(std::string_view pathType, std::string_view path) {
  if (pathType == "Exact") return {PathMatch::Kind::kExact, std::string(path)};
  if (pathType != "Prefix") return {PathMatch::Kind::kStart, std::string(path)};
  // Kubernetes: a slash at the end of a prefix means nothing.
  while (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  return {PathMatch::Kind::kPrefix, std::string(path)};
}

IngressPath compileRegex(std::string_view path, const std::optional<std::string>& rewriteTarget) {
  IngressPath compiled;
  // Each is anchored anyhow; an alternative at the top would not be.
  while (path.starts_with('^')) path.remove_prefix(1);
  const bool alternatives = path.find('|') != std::string_view::npos;
  compiled.match = {PathMatch::Kind::kRegex,
                    (alternatives ? "(?:" : "") + std::string(path) + (alternatives ? ")" : "")};
  const auto groups = groupsOf(std::string(path));
  // Both are right for RE2, and depend on how PCRE was built.
  const bool doubtful = path.find("\\C") != std::string_view::npos || path.find("\\x{") != std::string_view::npos;
  if (!groups || doubtful) {
    compiled.fault = quoted(path) + " is not a regular expression that can be used here (without looking around)";
  } else if (rewriteTarget) {
    compiled.change = rewriteTo(*rewriteTarget, *groups);
  }
  return compiled;
}

}  // namespace

bool isRewriteTarget(std::string_view text) {
  if (!isUriText(text) || text.find_first_of("?#") != std::string_view::npos) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '$' && (i + 1 == text.size() || !isDigit(text[i + 1]))) return false;
  }
  return text.starts_with('/') || text.starts_with('$');
}

IngressPath compilePath(std::string_view pathType, std::string_view path, bool useRegex,
                        const std::optional<std::string>& rewriteTarget) {
  if (path.empty()) path = "/";
  if (!isUriText(path)) {
    return {.fault = quoted(path) + " has spaces or characters that stand in a URL only percent-encoded"};
  }
  if (pathType != "Exact" && (useRegex || (rewriteTarget && looksLikeRegex(path)))) {
    return compileRegex(path, rewriteTarget);
  }
  if (path.find(';') != std::string_view::npos) {
    return {.fault = quoted(path) + " has a \";\": what follows one in a request isn't looked at"};
  }
  IngressPath compiled{.match = plainMatch(pathType, path)};
  if (rewriteTarget) compiled.change = rewriteTo(*rewriteTarget, 0);
  return compiled;
}

}  // namespace wherry::ingress
