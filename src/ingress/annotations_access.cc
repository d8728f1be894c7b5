// Annotations about who may come in, and how often.
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/encoding.h"
#include "base/strings.h"
#include "ingress/annotation_rule.h"
#include "ingress/annotation_values.h"
#include "ingress/password_file.h"
#include "views/core_v1.h"

namespace wherry::ingress {
namespace {

// -- addresses ------------------------------------------------------------------------------------------------------

constexpr const char* kNoCidrs = "is not a list of networks (\"10.0.0.0/8, 192.0.2.1\")";

SourceRanges& sourcesOf(AnnotationDraft& draft) {
  auto& sources = draft.settings.to.sources;
  return sources ? *sources : sources.emplace();
}

std::string readAllowed(AnnotationDraft& draft, std::string_view value) {
  auto cidrs = readCidrs(value);
  if (!cidrs) return kNoCidrs;
  sourcesOf(draft).allow = std::move(*cidrs);
  return "";
}

std::string readDenied(AnnotationDraft& draft, std::string_view value) {
  auto cidrs = readCidrs(value);
  if (!cidrs) return kNoCidrs;
  sourcesOf(draft).deny = std::move(*cidrs);
  return "";
}

// -- rates ----------------------------------------------------------------------------------------------------------

template <uint32_t RateLimit::*Field>
std::string readLimit(AnnotationDraft& draft, std::string_view value) {
  const auto count = readCount(value);
  if (!count) return "is not a number";
  draft.limit.*Field = *count;
  return "";
}

std::string readBurst(AnnotationDraft& draft, std::string_view value) {
  const auto count = readCount(value);
  if (!count || *count == 0 || *count > 1000) return "is not a number from 1 to 1000";
  draft.limit.burst = *count;
  return "";
}

std::string readExempt(AnnotationDraft& draft, std::string_view value) {
  auto cidrs = readCidrs(value);
  if (!cidrs) return kNoCidrs;
  draft.limit.exempt = std::move(*cidrs);
  return "";
}

// -- names and passwords --------------------------------------------------------------------------------------------

std::string readAuthType(AnnotationDraft& draft, std::string_view value) {
  if (value != "basic") return "is not \"basic\", the only way to ask for a name and a password here";
  draft.authType = value;
  return "";
}

std::string readAuthSecret(AnnotationDraft& draft, std::string_view value) {
  draft.authSecret = value;
  return "";
}

std::string readAuthSecretType(AnnotationDraft& draft, std::string_view value) {
  if (value != "auth-file" && value != "auth-map") return "is neither \"auth-file\" nor \"auth-map\"";
  draft.authSecretType = value;
  return "";
}

std::string readAuthRealm(AnnotationDraft& draft, std::string_view value) {
  if (!isHeaderText(value) || value.find_first_of("\"\\") != std::string_view::npos) {
    return "has characters that a realm can't have";
  }
  draft.authRealm = value;
  return "";
}

void finishAuth(AnnotationFinish& finish) {
  const AnnotationDraft& draft = finish.draft();
  if (draft.authType.empty()) return;
  if (draft.authSecret.empty()) {
    return finish.complain("InvalidAnnotation", "auth-type asks for passwords, and no auth-secret says which",
                           Matter::kProtection);
  }
  const core_v1::Secret secret(finish.secret("auth-secret", draft.authSecret));
  if (!secret) return;
  PasswordFile passwords =
      draft.authSecretType == "auth-map" ? readPasswordMap(secret.data()) : readPasswordFile(secret.data());
  for (const std::string& fault : passwords.faults) {
    finish.complain("InvalidPassword", fmt::format("Secret \"{}\": {}", secret.metadata().name(), fault));
  }
  if (passwords.users.empty()) {
    finish.complain("InvalidPassword",
                    fmt::format("Secret \"{}\" has no user who could come in", secret.metadata().name()),
                    Matter::kProtection);
  }
  finish.settings().to.auth = BasicAuth{draft.authRealm, std::move(passwords.users)};
}

// -- origins of scripts ---------------------------------------------------------------------------------------------

std::string readEnableCors(AnnotationDraft& draft, std::string_view value) {
  const auto on = readBool(value);
  draft.enableCors = on.value_or(false);
  return on ? "" : "is neither \"true\" nor \"false\"";
}

// A list of which every piece is right; any other switches all of it off: half of it might let in who shouldn't.
template <std::vector<std::string> Cors::*Field, bool (*IsPiece)(std::string_view)>
std::string readCorsList(AnnotationDraft& draft, std::string_view value) {
  auto pieces = readList(value);
  draft.corsBroken |= pieces.empty() || !std::all_of(pieces.begin(), pieces.end(), IsPiece);
  draft.cors.*Field = std::move(pieces);
  return draft.corsBroken ? "is not a list of what it should be; no headers of CORS are sent" : "";
}

bool isCorsOrigin(std::string_view text) { return text == "*" || isOrigin(text); }

std::string readCorsCredentials(AnnotationDraft& draft, std::string_view value) {
  const auto allowed = readBool(value);
  draft.cors.credentials = allowed.value_or(false);
  return allowed ? "" : "is neither \"true\" nor \"false\"; none are allowed";
}

std::string readCorsMaxAge(AnnotationDraft& draft, std::string_view value) {
  const auto count = readCount(value);
  if (!count) return "is not a number of seconds";
  draft.cors.maxAge = std::chrono::seconds(*count);
  return "";
}

void finishCors(AnnotationDraft& draft) {
  if (!draft.enableCors || draft.corsBroken) return;
  Cors& cors = draft.cors;
  if (cors.origins.empty()) cors.origins = {"*"};
  if (cors.methods.empty()) cors.methods = {"GET", "PUT", "POST", "DELETE", "PATCH", "OPTIONS"};
  if (cors.headers.empty()) {
    cors.headers = {"DNT",           "Keep-Alive",   "User-Agent", "X-Requested-With", "If-Modified-Since",
                    "Cache-Control", "Content-Type", "Range",      "Authorization"};
  }
  draft.settings.to.cors = std::move(cors);
}

constexpr std::array kRules = {
    AnnotationRule{"allowlist-source-range", readAllowed, Matter::kProtection},
    AnnotationRule{"auth-realm", readAuthRealm},
    AnnotationRule{"auth-secret", readAuthSecret, Matter::kProtection},
    AnnotationRule{"auth-secret-type", readAuthSecretType, Matter::kProtection},
    AnnotationRule{"auth-type", readAuthType, Matter::kProtection},
    AnnotationRule{"cors-allow-credentials", readCorsCredentials},
    AnnotationRule{"cors-allow-headers", readCorsList<&Cors::headers, isToken>},
    AnnotationRule{"cors-allow-methods", readCorsList<&Cors::methods, isToken>},
    AnnotationRule{"cors-allow-origin", readCorsList<&Cors::origins, isCorsOrigin>},
    AnnotationRule{"cors-expose-headers", readCorsList<&Cors::exposed, isToken>},
    AnnotationRule{"cors-max-age", readCorsMaxAge},
    AnnotationRule{"denylist-source-range", readDenied, Matter::kProtection},
    AnnotationRule{"enable-cors", readEnableCors},
    AnnotationRule{"limit-allowlist", readExempt, Matter::kProtection},
    AnnotationRule{"limit-burst-multiplier", readBurst, Matter::kProtection},
    AnnotationRule{"limit-connections", readLimit<&RateLimit::connections>, Matter::kProtection},
    AnnotationRule{"limit-rpm", readLimit<&RateLimit::perMinute>, Matter::kProtection},
    AnnotationRule{"limit-rps", readLimit<&RateLimit::perSecond>, Matter::kProtection},
    AnnotationRule{"limit-whitelist", readExempt, Matter::kProtection},
    AnnotationRule{"whitelist-source-range", readAllowed, Matter::kProtection},
};

}  // namespace

std::span<const AnnotationRule> accessAnnotations() { return kRules; }

void finishAccess(AnnotationFinish& finish) {
  AnnotationDraft& draft = finish.draft();
  if (draft.limit.perSecond || draft.limit.perMinute || draft.limit.connections) draft.settings.to.limit = draft.limit;
  finishAuth(finish);
  finishCors(draft);
}

}  // namespace wherry::ingress
