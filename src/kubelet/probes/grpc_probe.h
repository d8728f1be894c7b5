// grpc.health.v1.Health/Check (the gRPC health checking protocol), as probes ask it.
#pragma once

#include "kubelet/probes/probe_action.h"
#include "net/grpc_call.h"

namespace wherry::kubelet {

// Blocks until the answer or the time-out. Safe from any thread.
ProbeAnswer probeGrpc(const core_v1::GRPCAction& action, const ProbeTarget& target, std::chrono::milliseconds timeout);

// What the answer of a server at `authority` means, in the words of Kubernetes. Pure.
ProbeAnswer judgeHealth(const net::GrpcAnswer& answer, std::string_view authority, std::chrono::milliseconds timeout);

// HealthCheckRequest{service}, and the status in a HealthCheckResponse (0 when it says none); nothing when the bytes
// are no message. Pure.
std::string renderHealthRequest(std::string_view service);
std::optional<int> parseHealthResponse(std::string_view message);

}  // namespace wherry::kubelet
