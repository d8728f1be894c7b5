// ReferenceGrants: who may refer to objects of another namespace. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "views/gateway_v1.h"

namespace wherry::ingress {

// A reference that crosses namespaces, from a kind of the Gateway API to one of the core group.
struct CrossReference {
  std::string_view fromKind;  // "Gateway", "HTTPRoute", ...
  std::string_view fromNamespace;
  std::string_view toKind;  // "Secret", "Service"
  std::string_view toNamespace;
  std::string_view toName;
};

class ReferenceGrants {
 public:
  explicit ReferenceGrants(std::vector<gateway_v1::ReferenceGrant> grants) : grants_(std::move(grants)) {}

  // Within one namespace always; else by a grant in the namespace that is referred to.
  bool permit(const CrossReference& reference) const;

 private:
  std::vector<gateway_v1::ReferenceGrant> grants_;
};

}  // namespace wherry::ingress
