// Probes that only talk to an address (httpGet without a host name, tcpSocket), carried out on an event loop: nobody
// waits for them, and a node can have thousands.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "kubelet/probes/probe_action.h"
#include "net/event_loop.h"
#include "net/socket.h"
#include "net/tls.h"
#include "views/core_v1.h"

namespace wherry::kubelet {

// What is asked, ready to be sent: made once per container, used at every period.
struct NetworkProbe {
  net::Endpoint endpoint;
  bool tls = false;
  std::string request;  // empty: connecting is all
  std::string url;      // as messages name it
};

// Pure. Nothing for what needs more than an address: a command, a name to be resolved, a port that isn't there.
std::optional<NetworkProbe> networkProbeOf(const core_v1::Probe& probe, const ProbeTarget& target);

// Nothing: the server redirects, and to follow is more than is done here.
using NetworkProbeDone = std::function<void(std::optional<ProbeAnswer>)>;

struct ProbeWait {
  std::chrono::milliseconds timeout;
  // Until then nobody is woken for the answer; one that isn't there yet is waited for as usual. A time that is no later
  // than the loop's: it is wanted as soon as it comes.
  base::MonotonicTime lookAt;
};

// On the loop's thread, where `done` is called too, not before this returns and exactly once, unless the loop ends
// first. `tls` is needed where probe->tls is set.
void startNetworkProbe(net::EventLoop& loop, std::shared_ptr<const NetworkProbe> probe, const net::TlsContext* tls,
                       ProbeWait wait, NetworkProbeDone done);

}  // namespace wherry::kubelet
