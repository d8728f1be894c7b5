#include "ingress/gateway_hosts.h"

namespace wherry::ingress {

bool isWithin(std::string_view host, std::string_view pattern) {
  if (pattern.empty() || host == pattern) return true;
  return pattern.starts_with("*.") && host.size() >= pattern.size() && host.ends_with(pattern.substr(1));
}

// Two wildcards that overlap are one within the other.
std::optional<std::string> commonHost(std::string_view a, std::string_view b) {
  if (isWithin(a, b)) return std::string(a);
  if (isWithin(b, a)) return std::string(b);
  return std::nullopt;
}

HostPattern hostPattern(std::string_view host) { return {std::string(host), host.starts_with("*.")}; }

}  // namespace wherry::ingress
