#include "ingress/port_text.h"

#include <set>

#include <fmt/format.h>

#include "ingress/quoting.h"

namespace wherry::ingress {
namespace {

std::set<base::IpFamily> preservedAt(const Port& port) {
  std::set<base::IpFamily> families;
  for (const Route& route : port.routes)
    families.insert(route.to.preserveClientIp.begin(), route.to.preserveClientIp.end());
  for (const Passthrough& each : port.passthroughs) {
    families.insert(each.to.preserveClientIp.begin(), each.to.preserveClientIp.end());
  }
  return families;
}

void renderProxyProtocol(const Settings& settings, ConfigText& text) {
  for (const std::string& range : settings.proxyProtocolFrom) {
    text.line("  tcp-request connection expect-proxy layer4 if {{ src {} }}", word(range));
  }
}

}  // namespace

PreservedClients::PreservedClients(const Port& port, const Settings& settings, ConfigText& text) {
  const auto families = preservedAt(port);
  if (families.empty()) return;
  std::string others = text.nextAcl();
  // None, loopback, on one link only, not one host's; then what says IPv4 in words of IPv6.
  text.line("  acl {} src 0.0.0.0/8 127.0.0.0/8 169.254.0.0/16 224.0.0.0/3 ::/96 fe80::/10 ff00::/8", others);
  for (const std::string& range : settings.podRanges) text.line("  acl {} src {}", others, word(range));
  text.line("  acl {} src -m beg ::ffff:", others);
  for (base::IpFamily family : families) {
    std::string is = text.nextAcl();
    text.line("  acl {} src -m sub {}", is, family == base::IpFamily::kIPv4 ? "." : ":");
    conditions_[family] = fmt::format("{} !{}", is, others);
  }
}

void renderBinds(const Port& port, const Settings& settings, const std::string& words, ConfigText& text) {
  for (const std::string& address : settings.addresses) {
    bool isV6 = address.find(':') != std::string::npos;
    text.line("  bind {}{}:{}{}{}", isV6 ? "ipv6@" : "ipv4@", address, port.number, isV6 ? " v6only" : "", words);
  }
  renderProxyProtocol(settings, text);
}

}  // namespace wherry::ingress
