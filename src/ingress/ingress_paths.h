// Paths of Ingress rules, and what nginx.ingress.kubernetes.io/use-regex and rewrite-target make of them. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "ingress/routing.h"

namespace wherry::ingress {

struct IngressPath {
  PathMatch match;
  PathChange change;
  std::string fault;  // why it can't be served; "" when it can
};

// `pathType` is Exact, Prefix, or ImplementationSpecific, which is a prefix by characters. A path is a regular
// expression when `useRegex` says so, or when it looks like one and is rewritten; an Exact one never is. Of a path that
// is none, the target's "$1" stands for nothing. REQUIRES: `rewriteTarget` has passed isRewriteTarget.
IngressPath compilePath(std::string_view pathType, std::string_view path, bool useRegex,
                        const std::optional<std::string>& rewriteTarget);

// A path, in which "$1" to "$9" are the only variables.
bool isRewriteTarget(std::string_view text);

}  // namespace wherry::ingress
