#include "apiserver/stream_upgrade.h"

#include <algorithm>
#include <optional>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/strings.h"

namespace wherry::apiserver {
namespace {

constexpr std::string_view kV5 = "v5.channel.k8s.io";
constexpr std::string_view kVersionHeader = "X-Stream-Protocol-Version";
constexpr std::string_view kTunnelPrefix = "SPDY/3.1+";

bool contains(std::string_view text, std::string_view lowerPart) {
  return base::toLower(text).find(lowerPart) != std::string::npos;
}

// The values of all fields of this name.
std::vector<std::string> valuesOf(const net::Headers& headers, std::string_view name) {
  std::vector<std::string> values;
  for (const auto& [field, text] : headers.fields()) {
    if (!base::equalsIgnoreCase(field, name)) continue;
    for (auto value : base::split(text, ',')) {
      if (value = base::trim(value); !value.empty()) values.emplace_back(value);
    }
  }
  return values;
}

// The client's first that is ours too.
std::optional<std::string> firstCommon(const std::vector<std::string>& client,
                                       const std::vector<std::string_view>& ours) {
  for (const auto& each : client) {
    if (std::ranges::find(ours, each) != ours.end()) return each;
  }
  return std::nullopt;
}

std::variant<std::string, UpgradeRefusal> agreeOnSpdy(const std::vector<std::string>& client,
                                                      const std::vector<std::string_view>& ours) {
  if (client.empty()) return UpgradeRefusal{400, fmt::format("unable to upgrade: {} is required", kVersionHeader), {}};
  if (auto common = firstCommon(client, ours)) return *common;
  UpgradeRefusal refusal{403,
                         fmt::format("unable to upgrade: unable to negotiate protocol: client supports [{}], server "
                                     "accepts [{}]",
                                     fmt::join(client, " "), fmt::join(ours, " ")),
                         {}};
  for (auto each : ours) refusal.headers.add("X-Accepted-Stream-Protocol-Versions", std::string(each));
  return refusal;
}

std::variant<StreamUpgrade, UpgradeRefusal> decideSpdy(const net::Request& request, const StreamProtocols& protocols) {
  if (!contains(request.headers.get("Upgrade"), "spdy/3.1")) {
    return UpgradeRefusal{400, "unable to upgrade: missing upgrade headers in request", {}};
  }
  auto agreed = agreeOnSpdy(valuesOf(request.headers, kVersionHeader), protocols.spdy);
  if (auto* refusal = std::get_if<UpgradeRefusal>(&agreed)) return std::move(*refusal);
  StreamUpgrade upgrade{Carrier::kSpdy, std::get<std::string>(agreed), {}};
  upgrade.headers.add("Connection", "Upgrade");
  upgrade.headers.add("Upgrade", "SPDY/3.1");
  upgrade.headers.add(std::string(kVersionHeader), upgrade.protocol);
  return upgrade;
}

std::variant<StreamUpgrade, UpgradeRefusal> decideTunnel(const net::WebSocketOffer& offer,
                                                         const std::vector<std::string>& tunnelled,
                                                         const StreamProtocols& protocols) {
  auto agreed = agreeOnSpdy(tunnelled, protocols.spdy);
  if (auto* refusal = std::get_if<UpgradeRefusal>(&agreed)) return std::move(*refusal);
  const auto& protocol = std::get<std::string>(agreed);
  return StreamUpgrade{Carrier::kTunnel, protocol, net::webSocketHeaders(offer, std::string(kTunnelPrefix) + protocol)};
}

std::variant<StreamUpgrade, UpgradeRefusal> decideWebSocket(const net::Request& request,
                                                            const StreamProtocols& protocols) {
  auto read = net::readWebSocketOffer(request);
  if (auto* refusal = std::get_if<net::WebSocketRefusal>(&read)) {
    UpgradeRefusal answer{refusal->status, refusal->why, {}};
    if (refusal->status == 400) answer.headers.add("Sec-WebSocket-Version", "13");
    return answer;
  }
  auto& offer = std::get<net::WebSocketOffer>(read);
  std::vector<std::string> tunnelled;
  for (const auto& each : offer.protocols) {
    if (each.starts_with(kTunnelPrefix)) tunnelled.push_back(each.substr(kTunnelPrefix.size()));
  }
  if (protocols.tunnels && !tunnelled.empty()) return decideTunnel(offer, tunnelled, protocols);
  auto wanted = offer.protocols.empty() ? std::vector<std::string>{""} : offer.protocols;
  // Whoever knows v5 gets it, wherever it stands: upstream's API server speaks it itself, the kubelet the others.
  auto newest = std::ranges::find(wanted, kV5);
  if (newest != wanted.end()) std::iter_swap(wanted.begin(), newest);
  auto common = firstCommon(wanted, protocols.webSocket);
  if (!common) {
    return UpgradeRefusal{403,
                          fmt::format("requested protocol(s) are not supported: [{}]; supports [{}]",
                                      fmt::join(offer.protocols, " "), fmt::join(protocols.webSocket, " ")),
                          {}};
  }
  return StreamUpgrade{Carrier::kWebSocket, *common, net::webSocketHeaders(offer, *common)};
}

}  // namespace

const StreamProtocols& processProtocols() {
  static const StreamProtocols kProtocols{
      {"v4.channel.k8s.io", "v3.channel.k8s.io", "v2.channel.k8s.io", "channel.k8s.io"},
      {kV5, "v4.channel.k8s.io", "v4.base64.channel.k8s.io", "channel.k8s.io", "base64.channel.k8s.io", ""},
      false};
  return kProtocols;
}

const StreamProtocols& portForwardProtocols() {
  static const StreamProtocols kProtocols{
      {"portforward.k8s.io"}, {"v4.channel.k8s.io", "v4.base64.channel.k8s.io", ""}, true};
  return kProtocols;
}

bool wantsUpgrade(const net::Request& request) {
  for (const auto& each : valuesOf(request.headers, "Connection")) {
    if (contains(each, "upgrade")) return true;
  }
  return false;
}

std::variant<StreamUpgrade, UpgradeRefusal> decideUpgrade(const net::Request& request,
                                                          const StreamProtocols& protocols) {
  return net::isWebSocketRequest(request) ? decideWebSocket(request, protocols) : decideSpdy(request, protocols);
}

}  // namespace wherry::apiserver
