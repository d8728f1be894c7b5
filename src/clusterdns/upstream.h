// A resolver that names outside of the cluster are asked of, as users write it: "192.0.2.1", "192.0.2.1:5353",
// "[2001:db8::1]:53", "tls://1.1.1.1#one.one.one.one", "tls://192.0.2.1:8853". Plain value; pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dns/name.h"

namespace wherry::clusterdns {

struct Upstream {
  enum class Protocol { kDns, kTls };  // UDP and TCP; DNS over TLS (RFC 7858)
  Protocol protocol = Protocol::kDns;
  std::string address;
  uint16_t port = 53;
  std::string tlsName;  // whose certificate it must have; "": the address's

  bool operator==(const Upstream&) const = default;
  std::string text() const;
};
using UpstreamList = std::vector<Upstream>;

inline constexpr uint16_t kDnsPort = 53, kDnsOverTlsPort = 853;
inline constexpr size_t kMaxUpstreams = 15;  // of one domain, as in CoreDNS

// Nothing for anything else. REQUIRES: `port` is what plain DNS uses when the text doesn't say.
std::optional<Upstream> parseUpstream(std::string_view text, uint16_t port = kDnsPort);

// Names at and below `domain` are asked of these alone.
struct StubDomain {
  dns::Name domain;
  UpstreamList upstreams;
};

}  // namespace wherry::clusterdns
