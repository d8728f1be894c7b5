#include "kubelet/probes/grpc_probe.h"

#include <fmt/format.h>

#include "kubelet/protobuf_reader.h"
#include "schema/protobuf_writer.h"

namespace wherry::kubelet {
namespace {

using Outcome = net::GrpcAnswer::Outcome;

constexpr int kUnimplemented = 12;
constexpr int kDeadlineExceeded = 4;
constexpr int kServing = 1;
// The HealthCheckResponse's ServingStatus.
constexpr std::string_view kStatusNames[] = {"UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"};

std::string seconds(std::chrono::milliseconds time) { return fmt::format("{}s", time.count() / 1000); }

}  // namespace

std::string renderHealthRequest(std::string_view service) {
  schema::ProtobufWriter request;
  if (!service.empty()) request.text(1, service);
  return request.take();
}

std::optional<int> parseHealthResponse(std::string_view message) {
  int status = 0;
  bool whole = readProtobuf(message, [&](const ProtobufValue& value) {
    if (value.field == 1 && value.bytes.empty()) status = static_cast<int>(value.number);
  });
  return whole ? std::optional(status) : std::nullopt;
}

ProbeAnswer judgeHealth(const net::GrpcAnswer& answer, std::string_view authority, std::chrono::milliseconds timeout) {
  if (answer.outcome == Outcome::kNotConnected) {
    return {false, fmt::format("timeout: failed to connect service \"{}\" within {}: context deadline exceeded",
                               authority, seconds(timeout))};
  }
  if (answer.outcome == Outcome::kTimedOut || answer.status == kDeadlineExceeded) {
    return {false, fmt::format("timeout: health rpc did not complete within {}", seconds(timeout))};
  }
  if (answer.status == kUnimplemented) {
    return {false, fmt::format("error: this server does not implement the grpc health protocol "
                               "(grpc.health.v1.Health): {}",
                               answer.text)};
  }
  auto status = answer.status == 0 ? parseHealthResponse(answer.message) : std::nullopt;
  if (!status) {
    bool ok = answer.status == 0;
    return {false, fmt::format("error: health rpc probe failed: rpc error: code = {} desc = {}",
                               net::grpcCodeName(ok ? 13 : answer.status), ok ? "no health response" : answer.text)};
  }
  if (*status == kServing) return {true, {}};
  bool known = *status >= 0 && *status < static_cast<int>(std::size(kStatusNames));
  return {false, fmt::format("service unhealthy (responded with \"{}\")",
                             known ? std::string(kStatusNames[*status]) : std::to_string(*status))};
}

ProbeAnswer probeGrpc(const core_v1::GRPCAction& action, const ProbeTarget& target, std::chrono::milliseconds timeout) {
  net::GrpcRequest request{.server = {.host = target.ip, .port = static_cast<uint16_t>(action.port())},
                           .path = "/grpc.health.v1.Health/Check",
                           .message = renderHealthRequest(action.service()),
                           .userAgent = "kube-probe/1.36",
                           .timeout = timeout};
  return judgeHealth(net::callGrpc(request), fmt::format("{}:{}", target.ip, action.port()), timeout);
}

}  // namespace wherry::kubelet
