// What an authorizer is asked and what it answers.
#pragma once

#include <functional>
#include <string>

#include "apiserver/admission/admission.h"

namespace wherry::apiserver {

struct Attributes {
  std::string verb;
  bool isResource = true;
  std::string path;  // when not a resource
  std::string group, version, resource, subresource, ns, name;
  std::string fieldSelector = {};  // of a list or watch
};

// Whether a user may; when not, the reason that follows "... is forbidden: ".
struct Decision {
  bool allowed = false;
  std::string reason;
};

// Safe from any thread.
using Authorizer = std::function<Decision(const User&, const Attributes&)>;

}  // namespace wherry::apiserver
