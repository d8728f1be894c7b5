// Where records come from, and why there are none. Pure.
#pragma once

#include <string>
#include <string_view>

#include "cli/resolve/lookup.h"

namespace wherry::cli {

// "cluster IP of Service default/web", "EndpointSlice default/web-x7k2p, pod default/web-0"
std::string originOf(const NameFacts& facts, std::string_view name, std::string_view type, std::string_view data);

// "no Service web in default; there's one in shop"
std::string whyNothing(const NameFacts& facts, std::string_view name, std::string_view type, std::string_view rcode);

}  // namespace wherry::cli
