// Annotations that send clients elsewhere, and those about other names of the host.
#include <algorithm>
#include <array>

#include "base/strings.h"
#include "ingress/annotation_rule.h"
#include "ingress/annotation_values.h"

namespace wherry::ingress {
namespace {

constexpr const char* kNoBool = "is neither \"true\" nor \"false\"";

template <bool IngressSettings::*Field>
std::string readFlag(AnnotationDraft& draft, std::string_view value) {
  const auto is = readBool(value);
  if (is) draft.settings.*Field = *is;
  return is ? "" : kNoBool;
}

template <std::string AnnotationDraft::*Field>
std::string readUrl(AnnotationDraft& draft, std::string_view value) {
  if (!isUriText(value)) return "is no URL";
  draft.*Field = value;
  return "";
}

template <int AnnotationDraft::*Field>
std::string readCode(AnnotationDraft& draft, std::string_view value) {
  constexpr std::array kCodes = {301, 302, 303, 307, 308};
  const auto code = base::parseInt<int>(value);
  for (int known : kCodes) {
    if (code == known) draft.*Field = known;
  }
  return code == draft.*Field ? "" : "is none of 301, 302, 303, 307 and 308";
}

std::string readAppRoot(AnnotationDraft& draft, std::string_view value) {
  if (!isUriText(value) || !value.starts_with('/') || value.starts_with("//") || value.find('$') != value.npos) {
    return "is not a path";
  }
  draft.appRoot = value;
  return "";
}

std::string readAlias(AnnotationDraft& draft, std::string_view value) {
  auto& aliases = draft.settings.aliases;
  for (std::string& alias : readList(base::replaceAll(value, " ", ","))) {
    if (!isHostName(alias, Wildcard::kFirstLabel)) return "names hosts that are none (expressions can't be used)";
    aliases.push_back(std::move(alias));
  }
  return aliases.empty() ? "names no host" : "";
}

constexpr std::array kRules = {
    AnnotationRule{"app-root", readAppRoot},
    AnnotationRule{"force-ssl-redirect", readFlag<&IngressSettings::forceSslRedirect>},
    AnnotationRule{"from-to-www-redirect", readFlag<&IngressSettings::fromToWww>},
    AnnotationRule{"permanent-redirect", readUrl<&AnnotationDraft::permanentRedirect>},
    AnnotationRule{"permanent-redirect-code", readCode<&AnnotationDraft::permanentCode>},
    AnnotationRule{"server-alias", readAlias},
    AnnotationRule{"ssl-passthrough", readFlag<&IngressSettings::sslPassthrough>},
    AnnotationRule{"ssl-redirect", readFlag<&IngressSettings::sslRedirect>},
    AnnotationRule{"temporal-redirect", readUrl<&AnnotationDraft::temporalRedirect>},
    AnnotationRule{"temporal-redirect-code", readCode<&AnnotationDraft::temporalCode>},
};

// What stands before `end`, which is taken away with it.
std::string_view cutAt(std::string_view& text, std::string_view end) {
  const size_t at = text.find(end);
  const auto before = text.substr(0, at);
  text.remove_prefix(at == text.npos ? text.size() : at + end.size());
  return before;
}

bool setAuthority(Redirect& redirect, std::string_view authority) {
  if (authority == "$host" || authority == "$http_host" || authority == "$server_name") return true;
  if (!isAuthority(authority)) return false;
  const size_t literal = authority.starts_with('[') ? authority.find(']') : 0;  // an IPv6 address has colons of its own
  const size_t colon = std::min(authority.find(':', literal), authority.size());
  redirect.host = base::toLower(authority.substr(0, colon));
  if (colon < authority.size()) redirect.port = base::parseInt<uint16_t>(authority.substr(colon + 1)).value_or(0);
  return true;
}

// A URL in which nginx's $scheme, $host and $request_uri may stand for the request's own parts.
std::optional<Redirect> readTarget(std::string_view url) {
  Redirect redirect;
  if (url.find('$') == url.npos) {
    const bool whole = url.starts_with("https://") || url.starts_with("http://") || url.starts_with('/');
    if (!whole || (!url.starts_with('/') && url.find("://") + 3 == url.size())) return std::nullopt;
    redirect.location = url;
    return redirect;
  }
  if (url == "$request_uri" || url.find("://") == url.npos) return std::nullopt;
  const auto scheme = cutAt(url, "://");
  if (scheme != "$scheme" && scheme != "http" && scheme != "https") return std::nullopt;
  if (scheme != "$scheme") redirect.scheme = scheme;
  const size_t end = url.ends_with("$request_uri") ? url.size() - 12 : std::min(url.find('/'), url.size());
  const auto path = url.substr(end);
  if (!setAuthority(redirect, url.substr(0, end))) return std::nullopt;
  if (path.substr(std::min<size_t>(path.size(), path.starts_with('$') ? 12 : 0)).find('$') != path.npos) {
    return std::nullopt;
  }
  if (!path.starts_with('$')) redirect.path = {PathChange::Kind::kFull, path.empty() ? "/" : std::string(path)};
  return redirect;
}

void setRedirect(AnnotationFinish& finish, std::string_view annotation, const std::string& url, int code) {
  auto redirect = readTarget(url);
  if (!redirect) {
    return finish.complain(
        "InvalidAnnotation",
        std::string(annotation) + ": " + quoted(url) +
            " is no URL ($scheme, $host and, at the end, $request_uri may stand in it); it is ignored");
  }
  redirect->status = code;
  finish.settings().to.redirect = std::move(redirect);
}

}  // namespace

std::span<const AnnotationRule> redirectAnnotations() { return kRules; }

void finishRedirects(AnnotationFinish& finish) {
  const AnnotationDraft& draft = finish.draft();
  // As nginx does: the temporary one goes first.
  if (!draft.temporalRedirect.empty()) {
    setRedirect(finish, "temporal-redirect", draft.temporalRedirect, draft.temporalCode);
  } else if (!draft.permanentRedirect.empty()) {
    setRedirect(finish, "permanent-redirect", draft.permanentRedirect, draft.permanentCode);
  }
  if (draft.appRoot.empty()) return;
  auto& redirect = finish.settings().to.redirect;
  if (redirect) {
    return finish.complain("InvalidAnnotation", "app-root: everything is sent elsewhere by another annotation already");
  }
  redirect = Redirect{.path = {PathChange::Kind::kFull, draft.appRoot}, .status = 302, .onlyPath = "/"};
}

}  // namespace wherry::ingress
