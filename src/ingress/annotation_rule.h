// The parts of the tables of annotations (ingress_annotations.cc puts them together), for the sources of this folder
// alone. A table is a topic: annotations_<topic>.cc.
#pragma once

#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>

#include "ingress/ingress_annotations.h"

namespace wherry::ingress {

// What is being read: settings, and the texts that mean something together only, once all are there.
struct AnnotationDraft {
  IngressSettings settings;

  bool enableCors = false;
  bool corsBroken = false;  // one of its parts can't be read: it stays off
  Cors cors;

  RateLimit limit;

  std::string authType;
  std::string authSecret;
  std::string authSecretType = "auth-file";
  std::string authRealm = "Authentication Required";

  bool affinity = false;
  StickyCookie cookie;
  std::optional<std::chrono::seconds> cookieExpires;

  bool canary = false;
  Canary canaryRules;
  std::string canaryPattern;

  std::string permanentRedirect;
  std::string temporalRedirect;
  int permanentCode = 301;
  int temporalCode = 302;
  std::string appRoot;

  std::optional<std::chrono::seconds> sendTimeOut;
  std::optional<std::chrono::seconds> readTimeOut;

  std::string tlsSecret;
  std::string tlsName;
  bool tlsVerify = false;
};

// Whether what can't be honoured closes the Ingress.
enum class Matter { kComfort, kProtection };

struct AnnotationRule {
  std::string_view name;
  // Puts `value` into the draft. Answers what is wrong with it, as the end of a sentence ("is not a number"); "" when
  // nothing is.
  std::string (*read)(AnnotationDraft& draft, std::string_view value);
  Matter matter = Matter::kComfort;
};

// Those that can't be honoured whatever they say, but for values that ask for nothing.
struct UnsupportedAnnotation {
  std::string_view names;     // divided by |
  std::string_view harmless;  // values, divided by |
  std::string_view why;
  Matter matter = Matter::kComfort;
};

// Where the draft's parts are put together: what is needed beside the texts, and where faults go.
class AnnotationFinish {
 public:
  AnnotationFinish(AnnotationDraft& draft, Origin about, const Sources& sources, std::set<meta::ObjectKey>& secrets)
      : draft_(draft), about_(std::move(about)), sources_(sources), secrets_(secrets) {}

  AnnotationDraft& draft() { return draft_; }
  IngressSettings& settings() { return draft_.settings; }
  // "name" or "namespace/name" of the Ingress's own namespace. Null, and the Ingress is closed, when there is none;
  // `annotation` is named then.
  meta::ObjectPtr secret(std::string_view annotation, std::string_view name);
  const Sources& sources() const { return sources_; }
  void complain(std::string reason, std::string message, Matter matter = Matter::kComfort);

 private:
  AnnotationDraft& draft_;
  Origin about_;
  const Sources& sources_;
  std::set<meta::ObjectKey>& secrets_;
};

std::span<const AnnotationRule> trafficAnnotations();
std::span<const AnnotationRule> accessAnnotations();
std::span<const AnnotationRule> redirectAnnotations();
std::span<const AnnotationRule> sessionAnnotations();
std::span<const UnsupportedAnnotation> unsupportedAnnotations();

void finishTraffic(AnnotationFinish& finish);
void finishAccess(AnnotationFinish& finish);
void finishRedirects(AnnotationFinish& finish);
void finishSessions(AnnotationFinish& finish);

// A text in which directives of nginx may guard something: one that limits who gets what.
bool mayGuard(std::string_view snippet);

}  // namespace wherry::ingress
