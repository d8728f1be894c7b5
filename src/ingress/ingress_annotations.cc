#include "ingress/ingress_annotations.h"

#include <algorithm>
#include <array>
#include <map>

#include <fmt/format.h>

#include "base/strings.h"
#include "ingress/annotation_rule.h"
#include "ingress/annotation_values.h"

namespace wherry::ingress {
namespace {

using networking_v1::Ingress;

constexpr std::string_view kNginx = "nginx.ingress.kubernetes.io/";
constexpr std::string_view kOwn = "wherry.dev/";
// Which ingress-nginx has not.
constexpr std::array<std::string_view, 3> kOwnNames = {"preserve-client-ip", "route-to-pod", "send-proxy-protocol"};

struct Annotation {
  std::string_view prefix;
  std::string_view value;
};

// By name, without the prefix.
std::map<std::string_view, Annotation> annotationsOf(const Ingress& ingress) {
  std::map<std::string_view, Annotation> found;
  for (std::string_view prefix : {kNginx, kOwn}) {
    for (const auto& [key, value] : ingress.metadata().annotations()) {
      const std::string_view name = key;
      if (!name.starts_with(prefix) || !value.is_string()) continue;
      found[name.substr(prefix.size())] = {prefix, value.get_string()};
    }
  }
  return found;
}

const AnnotationRule* findRule(std::string_view name) {
  for (const auto rules : {trafficAnnotations(), accessAnnotations(), redirectAnnotations(), sessionAnnotations()}) {
    const auto at = std::find_if(rules.begin(), rules.end(), [&](const auto& rule) { return rule.name == name; });
    if (at != rules.end()) return &*at;
  }
  return nullptr;
}

// Of texts divided by |.
bool isOneOf(std::string_view texts, std::string_view text) {
  const auto all = base::split(texts, '|');
  return std::find(all.begin(), all.end(), text) != all.end();
}

const UnsupportedAnnotation* findUnsupported(std::string_view name) {
  const auto all = unsupportedAnnotations();
  const auto at = std::find_if(all.begin(), all.end(), [&](const auto& each) { return isOneOf(each.names, name); });
  return at == all.end() ? nullptr : &*at;
}

void refuse(AnnotationFinish& finish, const UnsupportedAnnotation& known, std::string_view key,
            std::string_view value) {
  if (isOneOf(known.harmless, value)) return;
  const bool guards = key.ends_with("-snippet") && mayGuard(value);
  finish.complain("UnsupportedAnnotation", fmt::format("annotation {} is not supported: {}", key, known.why),
                  guards ? Matter::kProtection : known.matter);
}

void read(AnnotationFinish& finish, std::string_view name, const Annotation& annotation) {
  const std::string key = std::string(annotation.prefix) + std::string(name);
  const bool own = std::find(kOwnNames.begin(), kOwnNames.end(), name) != kOwnNames.end();
  const auto* rule = own && annotation.prefix != kOwn ? nullptr : findRule(name);
  if (!rule) {
    if (const auto* known = findUnsupported(name)) return refuse(finish, *known, key, annotation.value);
    return finish.complain("UnknownAnnotation", fmt::format("annotation {} is not known here", quoted(key)));
  }
  const std::string fault = rule->read(finish.draft(), base::trim(annotation.value));
  if (fault.empty()) return;
  finish.complain("InvalidAnnotation", fmt::format("annotation {}: {} {}", key, quoted(annotation.value), fault),
                  rule->matter);
}

// Of a canary these alone are its own; all else is as at the Ingress whose traffic it takes.
bool isOfCanaries(std::string_view name) {
  constexpr std::array<std::string_view, 4> kStarts = {"canary", "affinity", "session-cookie-", "upstream-hash-by"};
  return name == "load-balance" ||
         std::any_of(kStarts.begin(), kStarts.end(), [&](std::string_view start) { return name.starts_with(start); });
}

}  // namespace

meta::ObjectPtr AnnotationFinish::secret(std::string_view annotation, std::string_view name) {
  const auto parts = base::splitOnce(name, '/');
  const std::string_view ns = parts ? parts->first : std::string_view(about_.nameSpace);
  const std::string_view own = parts ? parts->second : name;
  if (ns != about_.nameSpace) {
    complain("InvalidAnnotation", fmt::format("{}: {} is of another namespace", annotation, quoted(name)),
             Matter::kProtection);
    return nullptr;
  }
  secrets_.insert({std::string(ns), std::string(own)});
  auto found = sources_.secret(ns, own);
  if (!found) {
    complain("SecretNotFound", fmt::format("{}: Secret {} not found", annotation, quoted(own)), Matter::kProtection);
  }
  return found;
}

void AnnotationFinish::complain(std::string reason, std::string message, Matter matter) {
  if (matter == Matter::kProtection) {
    draft_.settings.closed = true;
    message += "; until this is put right, all requests are answered with 503";
  }
  draft_.settings.complaints.push_back({about_, std::move(reason), std::move(message)});
}

IngressSettings readAnnotations(const Ingress& ingress, const Sources& sources, std::set<meta::ObjectKey>& secrets) {
  AnnotationDraft draft;
  AnnotationFinish finish(draft,
                          {"Ingress", std::string(ingress.metadata().ns()), std::string(ingress.metadata().name())},
                          sources, secrets);
  const auto annotations = annotationsOf(ingress);
  const auto canary = annotations.find("canary");
  const bool isCanary = canary != annotations.end() && readBool(base::trim(canary->second.value)).value_or(false);
  for (const auto& [name, annotation] : annotations) {
    if (!isCanary || isOfCanaries(name)) read(finish, name, annotation);
  }
  for (auto part : {finishTraffic, finishAccess, finishRedirects, finishSessions}) part(finish);
  return std::move(draft.settings);
}

}  // namespace wherry::ingress
