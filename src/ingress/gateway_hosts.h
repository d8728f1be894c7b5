// Host names of listeners and routes, as the Gateway API reads them: "" stands for every name, "*.example.com" for
// those below example.com, however deep. Lower case. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "ingress/routing.h"

namespace wherry::ingress {

// Every name that `host` stands for, `pattern` stands for too.
bool isWithin(std::string_view host, std::string_view pattern);

// What both stand for; nothing when there is no such name.
std::optional<std::string> commonHost(std::string_view a, std::string_view b);

HostPattern hostPattern(std::string_view host);

}  // namespace wherry::ingress
