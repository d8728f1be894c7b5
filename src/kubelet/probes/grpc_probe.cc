#include "kubelet/probes/grpc_probe.h"

#include <fmt/format.h>

namespace wherry::kubelet {
namespace {

using Outcome = net::GrpcAnswer::Outcome;

constexpr int kUnimplemented = 12;
constexpr int kDeadlineExceeded = 4;
constexpr int kServing = 1;
// The HealthCheckResponse's ServingStatus.
constexpr std::string_view kStatusNames[] = {"UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"};

// Protocol buffers' variable-length integer; nothing when it is cut off or too long.
std::optional<uint64_t> takeVarint(std::string_view& bytes) {
  uint64_t value = 0;
  for (int shift = 0; shift < 64 && !bytes.empty(); shift += 7) {
    auto byte = static_cast<uint8_t>(bytes.front());
    bytes.remove_prefix(1);
    value |= static_cast<uint64_t>(byte & 0x7f) << shift;
    if ((byte & 0x80) == 0) return value;
  }
  return std::nullopt;
}

std::string seconds(std::chrono::milliseconds time) { return fmt::format("{}s", time.count() / 1000); }

}  // namespace

std::string renderHealthRequest(std::string_view service) {
  if (service.empty()) return {};
  std::string out = "\x0a";  // field 1, a length and text
  for (size_t size = service.size();; size >>= 7) {
    bool last = size < 0x80;
    out += static_cast<char>(last ? size : (size & 0x7f) | 0x80);
    if (last) break;
  }
  return out.append(service);
}

std::optional<int> parseHealthResponse(std::string_view message) {
  int status = 0;
  while (!message.empty()) {
    auto key = takeVarint(message);
    if (!key) return std::nullopt;
    uint64_t wireType = *key & 7;
    if (wireType != 0 && wireType != 2) return std::nullopt;
    auto value = takeVarint(message);
    if (!value) return std::nullopt;
    if (*key >> 3 == 1 && wireType == 0) status = static_cast<int>(*value);
    if (wireType == 2) {
      if (*value > message.size()) return std::nullopt;
      message.remove_prefix(*value);
    }
  }
  return status;
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
