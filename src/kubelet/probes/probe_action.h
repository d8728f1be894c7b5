// Carries out one probe: HTTP request, TCP connection, or a command in the container. Blocks until the answer or the
// time-out. Safe from any thread.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/subprocess.h"
#include "net/http.h"
#include "views/core_v1.h"

namespace wherry::kubelet {

struct ProbeTarget {
  std::string ip;
  core_v1::Container container;  // for named ports
  // Runs a command in the container.
  std::function<base::Finished(const std::vector<std::string>& argv, std::chrono::milliseconds timeout)> exec;
};

struct ProbeAnswer {
  bool success = false;
  std::string output;  // why not, as the event Unhealthy shows it
};

// The request alone; status 0 and why, when there was no answer.
struct HttpAnswer {
  int status = 0;
  std::string error;
};
HttpAnswer requestHttp(const core_v1::HTTPGetAction& action, const ProbeTarget& target,
                       std::chrono::milliseconds timeout);

ProbeAnswer probeHttp(const core_v1::HTTPGetAction& action, const ProbeTarget& target,
                      std::chrono::milliseconds timeout);
ProbeAnswer probeTcp(const core_v1::TCPSocketAction& action, const ProbeTarget& target,
                     std::chrono::milliseconds timeout);
ProbeAnswer probeExec(const core_v1::ExecAction& action, const ProbeTarget& target, std::chrono::milliseconds timeout);
ProbeAnswer runProbe(const core_v1::Probe& probe, const ProbeTarget& target);

// The request of a probe; `authority` is what the Host field says unless a field of the probe's own does. Pure.
net::Request httpProbeRequest(const core_v1::HTTPGetAction& action, const std::string& authority);
// "dial tcp 10.244.0.7:80: connect: connection refused". Pure.
std::string dialMessage(const std::string& ip, int port, int error);

// A port by number or by the name of one of the container's ports; nothing when there is no such port. Pure.
std::optional<int> findPort(const json::Value* port, const core_v1::Container& container);

}  // namespace wherry::kubelet
