// What a Gateway listens on: which of its listeners can be served, and what each takes. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "ingress/gateway_grants.h"
#include "ingress/routing.h"
#include "ingress/sources.h"
#include "views/gateway_v1.h"

namespace wherry::ingress {

// Why something isn't as it was asked for: a condition's reason (the standard's) and message.
struct Finding {
  std::string reason;
  std::string message;
};

// What the machine has for Gateways.
struct GatewayPlace {
  std::vector<std::string> addresses;           // where every port is reached
  std::map<uint16_t, std::string> unavailable;  // ports that can't be had, and why
  std::map<uint16_t, bool> taken;               // ports that Ingresses have: whether with TLS
  std::map<Origin, std::string> refused;        // routes that HAProxy doesn't take, and why
  std::string trouble;                          // why HAProxy takes nothing of all this; "": it does
};

struct GatewayListener {
  enum class Protocol { kHttp, kHttps, kTls, kOther };

  gateway_v1::Gateway gateway;
  gateway_v1::Listener spec;  // of it
  std::string hostname;
  uint16_t port = 0;
  Protocol protocol = Protocol::kOther;
  std::vector<std::string> kinds;  // of routes that it takes
  std::vector<Certificate> certificates;

  std::optional<Finding> refused;     // Accepted: False
  std::optional<Finding> unresolved;  // ResolvedRefs: False
  std::optional<Finding> conflict;    // Conflicted: True
  std::string overlap;                // OverlappingTLSConfig: True, with this message
  int32_t attached = 0;

  std::string_view name() const { return spec.name(); }
  bool hasTls() const { return protocol == Protocol::kHttps || protocol == Protocol::kTls; }
  bool endsTls() const { return hasTls() && spec.tls().mode() != "Passthrough"; }
  // Traffic gets through it.
  bool serves() const;
};

struct ListenerInput {
  const ReferenceGrants& grants;
  const Sources& sources;
  const GatewayPlace& place;
  std::set<meta::ObjectKey>& secrets;  // each that is looked for is noted here
};

// Those of one Gateway, in its order.
std::vector<GatewayListener> readListeners(const gateway_v1::Gateway& gateway, const ListenerInput& input);

// Of all Gateways together, the oldest first. Listeners of one Gateway that can't be told apart are all refused;
// Gateways share what they agree in, and of those that don't the oldest has the port.
void findConflicts(const std::vector<GatewayListener*>& listeners);

}  // namespace wherry::ingress
