// What the annotations of an Ingress say: those of ingress-nginx (nginx.ingress.kubernetes.io/), each also under
// wherry.dev/, which wins, and a few of our own. docs/ingress.md lists them. Pure.
//
// Nothing is passed over in silence: what isn't known, can't be read or can't be done is a Complaint. An annotation
// that protects something and can't be honoured closes the Ingress: all of its requests are answered with 503.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "ingress/routing.h"
#include "ingress/sources.h"
#include "views/networking_v1.h"

namespace wherry::ingress {

// An Ingress that takes a part of the traffic of another one's paths. Looked at in this order: header, cookie, weight.
struct Canary {
  std::string header;
  std::string headerValue;  // "": "always" and "never" decide
  ValueMatch::How headerHow = ValueMatch::How::kExact;
  std::string cookie;
  uint32_t weight = 0;
  uint32_t total = 100;
};

struct IngressSettings {
  Backend to;                            // everything but shares, protocol and what depends on the path
  std::optional<Protocol> protocol;      // as an annotation says; else the Service's port does
  std::optional<bool> preserveClientIp;  // likewise; else the Service
  bool closed = false;                   // answers 503

  bool useRegex = false;
  std::optional<std::string> rewriteTarget;
  bool sslRedirect = true;  // where the host has TLS
  bool forceSslRedirect = false;
  bool sslPassthrough = false;
  bool fromToWww = false;
  std::vector<std::string> aliases;
  std::optional<Canary> canary;

  std::vector<Complaint> complaints;
};

// Notes in `secrets` each one that was looked for, found or not.
IngressSettings readAnnotations(const networking_v1::Ingress& ingress, const Sources& sources,
                                std::set<meta::ObjectKey>& secrets);

}  // namespace wherry::ingress
