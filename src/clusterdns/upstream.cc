#include "clusterdns/upstream.h"

#include <fmt/format.h>

#include "base/ip.h"
#include "base/strings.h"

namespace wherry::clusterdns {
namespace {

constexpr std::string_view kTlsScheme = "tls://", kDnsScheme = "dns://";

// "192.0.2.1:53", "[2001:db8::1]:53", or an address alone. False when it is neither.
bool splitPort(std::string_view text, std::string_view& address, std::string_view& port) {
  bool bracket = text.starts_with('[');
  size_t end = bracket ? text.find(']') : text.find(':');
  bool alone = !bracket && (end == std::string_view::npos || text.find(':', end + 1) != std::string_view::npos);
  if (alone) {
    address = text;
    return true;
  }
  if (end == std::string_view::npos) return false;
  address = bracket ? text.substr(1, end - 1) : text.substr(0, end);
  std::string_view rest = text.substr(bracket ? end + 1 : end);
  if (rest.empty()) return true;
  if (rest[0] != ':' || rest.size() == 1) return false;
  port = rest.substr(1);
  return true;
}

}  // namespace

std::optional<Upstream> parseUpstream(std::string_view text, uint16_t port) {
  Upstream out{.port = port};
  text = base::trim(text);
  if (text.starts_with(kTlsScheme)) {
    out.protocol = Upstream::Protocol::kTls;
    out.port = kDnsOverTlsPort;
    text.remove_prefix(kTlsScheme.size());
    if (auto parts = base::splitOnce(text, '#')) {
      auto name = dns::Name::parse(parts->second);
      if (!name || name->labels().empty()) return std::nullopt;
      out.tlsName = parts->second;
      text = parts->first;
    }
  } else if (text.starts_with(kDnsScheme)) {
    text.remove_prefix(kDnsScheme.size());
  }
  std::string_view address, portText;
  if (!splitPort(text, address, portText)) return std::nullopt;
  if (!portText.empty()) {
    auto number = base::parseInt<uint16_t>(portText);
    if (!number || *number == 0) return std::nullopt;
    out.port = *number;
  }
  auto bytes = base::parseIp(address);
  if (!bytes) return std::nullopt;
  out.address = base::formatIp(*bytes);
  return out;
}

std::string Upstream::text() const {
  std::string host = address.find(':') == std::string::npos ? address : fmt::format("[{}]", address);
  std::string out = fmt::format("{}{}:{}", protocol == Protocol::kTls ? kTlsScheme : "", host, port);
  return tlsName.empty() ? out : fmt::format("{}#{}", out, tlsName);
}

}  // namespace wherry::clusterdns
