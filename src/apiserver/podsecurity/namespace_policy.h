// What the labels pod-security.kubernetes.io/... of a namespace ask for. Pure.
#pragma once

#include "apiserver/podsecurity/standards.h"
#include "meta/status.h"

namespace wherry::apiserver::podsecurity {

struct NamespacePolicy {
  LevelVersion enforce, audit, warn;
  meta::FieldErrors errors;  // labels that can't be read

  bool asksNothing() const {
    return enforce.level == Level::kPrivileged && audit.level == Level::kPrivileged && warn.level == Level::kPrivileged;
  }
};

// A label that can't be read is taken for the strictest when it enforces, and for nothing when it only tells.
NamespacePolicy readPolicy(const json::Object& labels);

// What to tell somebody who makes a namespace enforce `standard`, about the pods that are in it.
std::vector<std::string> warnOfPods(std::string_view ns, const LevelVersion& standard,
                                    const std::vector<const json::Value*>& pods);

}  // namespace wherry::apiserver::podsecurity
