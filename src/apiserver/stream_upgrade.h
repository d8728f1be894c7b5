// How a client wants to stream: SPDY or WebSocket, and which of Kubernetes' protocols over it. Pure.
#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "net/http.h"
#include "net/websocket.h"

namespace wherry::apiserver {

enum class Carrier {
  kSpdy,
  kWebSocket,
  kTunnel,  // SPDY within a WebSocket: port-forward of kubectl since 1.31
};

struct StreamUpgrade {
  Carrier carrier;
  std::string protocol;  // "v4.channel.k8s.io"; "" when the client named none
  net::Headers headers;  // of the 101
};

// What a subresource speaks, the best first.
struct StreamProtocols {
  std::vector<std::string_view> spdy;
  std::vector<std::string_view> webSocket;  // with "" for a client that names none
  bool tunnels = false;                     // SPDY/3.1+<a protocol of spdy>
};
const StreamProtocols& processProtocols();  // exec, attach
const StreamProtocols& portForwardProtocols();

// What the answer is when it is not 101; plain text, as a kubelet answers.
struct UpgradeRefusal {
  int status;
  std::string why;
  net::Headers headers;
};

// Whether the request asks for an upgrade of any kind.
bool wantsUpgrade(const net::Request& request);
// REQUIRES: wantsUpgrade(request).
std::variant<StreamUpgrade, UpgradeRefusal> decideUpgrade(const net::Request& request,
                                                          const StreamProtocols& protocols);

}  // namespace wherry::apiserver
