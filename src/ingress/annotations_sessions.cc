// Annotations that keep a client with an endpoint, or lead some of them to a canary.
#include <array>

#include "base/strings.h"
#include "ingress/annotation_rule.h"
#include "ingress/annotation_values.h"

namespace wherry::ingress {
namespace {

constexpr const char* kNoBool = "is neither \"true\" nor \"false\"";
constexpr uint32_t kLongestCookie = 10u * 365 * 24 * 3600;

std::string readAffinity(AnnotationDraft& draft, std::string_view value) {
  draft.affinity = value == "cookie";
  return draft.affinity ? "" : "is not \"cookie\", the only way to know a client again";
}

std::string readCookieName(AnnotationDraft& draft, std::string_view value) {
  if (!isPlainName(value) || value.size() > 128) return "can't be the name of a cookie";
  draft.cookie.name = value;
  return "";
}

std::string readCookiePath(AnnotationDraft& draft, std::string_view value) {
  if (!isUriText(value) || !value.starts_with('/') || value.find_first_of(";,\"") != value.npos) return "is not a path";
  draft.cookie.path = value;
  return "";
}

std::string readCookieDomain(AnnotationDraft& draft, std::string_view value) {
  if (!isHostName(base::toLower(value.starts_with('.') ? value.substr(1) : value))) return "is not a domain";
  draft.cookie.domain = value;
  return "";
}

std::string readSameSite(AnnotationDraft& draft, std::string_view value) {
  for (std::string_view known : {"None", "Lax", "Strict"}) {
    if (base::equalsIgnoreCase(value, known)) draft.cookie.sameSite = known;
  }
  return draft.cookie.sameSite.empty() ? "is none of None, Lax and Strict" : "";
}

std::string readSecure(AnnotationDraft& draft, std::string_view value) {
  const auto is = readBool(value);
  draft.cookie.secure = is.value_or(false);
  return is ? "" : kNoBool;
}

std::string readAge(AnnotationDraft& draft, std::string_view value) {
  const auto age = readCount(value);
  if (!age || *age > kLongestCookie) return "is not a number of seconds";
  draft.cookie.maxAge = std::chrono::seconds(*age);
  return "";
}

// What browsers knew before max-age; that one wins.
std::string readExpires(AnnotationDraft& draft, std::string_view value) {
  const auto age = readCount(value);
  if (!age || *age > kLongestCookie) return "is not a number of seconds";
  draft.cookieExpires = std::chrono::seconds(*age);
  return "";
}

// -- canaries -------------------------------------------------------------------------------------------------------

std::string readCanary(AnnotationDraft& draft, std::string_view value) {
  const auto is = readBool(value);
  draft.canary = is.value_or(false);
  return is ? "" : kNoBool;
}

std::string readCanaryHeader(AnnotationDraft& draft, std::string_view value) {
  if (!isPlainName(value)) return "can't be the name of a header";
  draft.canaryRules.header = value;
  return "";
}

std::string readCanaryValue(AnnotationDraft& draft, std::string_view value) {
  if (value.empty() || !isHeaderText(value)) return "can't be the value of a header";
  draft.canaryRules.headerValue = value;
  return "";
}

std::string readCanaryPattern(AnnotationDraft& draft, std::string_view value) {
  if (value.empty() || !isHeaderText(value) || !groupsOf(std::string(value))) {
    return "is not a regular expression that can be used here (without looking around)";
  }
  draft.canaryPattern = value;
  return "";
}

std::string readCanaryCookie(AnnotationDraft& draft, std::string_view value) {
  if (!isPlainName(value)) return "can't be the name of a cookie";
  draft.canaryRules.cookie = value;
  return "";
}

std::string readCanaryWeight(AnnotationDraft& draft, std::string_view value) {
  const auto weight = readCount(value);
  if (!weight) return "is not a number";
  draft.canaryRules.weight = *weight;
  return "";
}

std::string readCanaryTotal(AnnotationDraft& draft, std::string_view value) {
  const auto total = readCount(value);
  if (!total || *total == 0) return "is not a number from 1";
  draft.canaryRules.total = *total;
  return "";
}

constexpr std::array kRules = {
    AnnotationRule{"affinity", readAffinity},
    AnnotationRule{"canary", readCanary},
    AnnotationRule{"canary-by-cookie", readCanaryCookie},
    AnnotationRule{"canary-by-header", readCanaryHeader},
    AnnotationRule{"canary-by-header-pattern", readCanaryPattern},
    AnnotationRule{"canary-by-header-value", readCanaryValue},
    AnnotationRule{"canary-weight", readCanaryWeight},
    AnnotationRule{"canary-weight-total", readCanaryTotal},
    AnnotationRule{"session-cookie-domain", readCookieDomain},
    AnnotationRule{"session-cookie-expires", readExpires},
    AnnotationRule{"session-cookie-max-age", readAge},
    AnnotationRule{"session-cookie-name", readCookieName},
    AnnotationRule{"session-cookie-path", readCookiePath},
    AnnotationRule{"session-cookie-samesite", readSameSite},
    AnnotationRule{"session-cookie-secure", readSecure},
};

}  // namespace

std::span<const AnnotationRule> sessionAnnotations() { return kRules; }

void finishSessions(AnnotationFinish& finish) {
  AnnotationDraft& draft = finish.draft();
  if (draft.affinity) {
    if (draft.cookie.maxAge == std::chrono::seconds(0)) {
      draft.cookie.maxAge = draft.cookieExpires.value_or(std::chrono::seconds(0));
    }
    draft.settings.to.sticky = draft.cookie;
  }
  if (!draft.canary) return;
  Canary& canary = draft.settings.canary.emplace(draft.canaryRules);
  if (canary.headerValue.empty() && !draft.canaryPattern.empty()) {
    canary.headerValue = draft.canaryPattern;
    canary.headerHow = ValueMatch::How::kRegex;
  }
}

}  // namespace wherry::ingress
