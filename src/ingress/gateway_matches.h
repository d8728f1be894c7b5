// Which requests the rules of HTTPRoutes and GRPCRoutes are for. Pure.
#pragma once

#include <string>
#include <variant>

#include "ingress/routing.h"
#include "views/gateway_v1.h"

namespace wherry::ingress {

struct RequestMatch {
  PathMatch path;
  Conditions conditions;
};

// A text says what of the match can't be done here.
std::variant<RequestMatch, std::string> compileMatch(const gateway_v1::HTTPRouteMatch& match);
std::variant<RequestMatch, std::string> compileMatch(const gateway_v1::GRPCRouteMatch& match);

}  // namespace wherry::ingress
