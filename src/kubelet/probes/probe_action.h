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

ProbeAnswer probeTcp(const core_v1::TCPSocketAction& action, const ProbeTarget& target,
                     std::chrono::milliseconds timeout);
ProbeAnswer probeExec(const core_v1::ExecAction& action, const ProbeTarget& target, std::chrono::milliseconds timeout);
ProbeAnswer runProbe(const core_v1::Probe& probe, const ProbeTarget& target);

// A port by number or by the name of one of the container's ports; nothing when there is no such port. Pure.
std::optional<int> findPort(const json::Value* port, const core_v1::Container& container);
std::string noSuchPort(const json::Value* port);

// "dial tcp 10.244.0.7:80: connect: connection refused", for an errno. Pure.
std::string dialMessage(std::string_view host, int port, int error);

}  // namespace wherry::kubelet
