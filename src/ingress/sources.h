// What the compilers of Ingresses and of the Gateway API look up beside the objects that they compile.
#pragma once

#include <functional>
#include <string_view>

#include "meta/object.h"

namespace wherry::ingress {

struct Sources {
  using Lookup = std::function<meta::ObjectPtr(std::string_view ns, std::string_view name)>;  // null: there is none
  Lookup service;
  Lookup secret;
  Lookup nameSpace;  // by name, in no namespace
};

}  // namespace wherry::ingress
