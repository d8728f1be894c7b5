#include "kubelet/csi/csi_client.h"

#include <fmt/format.h>

#include "net/grpc_call.h"

namespace wherry::kubelet {
namespace {

constexpr int kInternal = 13, kUnavailable = 14, kDeadlineExceeded = 4;

[[noreturn]] void fail(int code, std::string_view text) {
  throw CsiError(code, fmt::format("rpc error: code = {} desc = {}", net::grpcCodeName(code), text));
}

template <typename T>
T understood(std::optional<T> parsed) {
  if (!parsed) fail(kInternal, "the answer is no protocol buffer message");
  return std::move(*parsed);
}

}  // namespace

std::string CsiClient::call(const char* path, std::string message) const {
  net::GrpcAnswer answer = net::callGrpc({.server = {.host = {}, .port = 0, .unixPath = socket_},
                                          .path = path,
                                          .message = std::move(message),
                                          .userAgent = "wherry",
                                          .timeout = timeout_,
                                          .stop = stop_});
  using Outcome = net::GrpcAnswer::Outcome;
  if (answer.outcome == Outcome::kTimedOut) fail(kDeadlineExceeded, "context deadline exceeded");
  if (answer.outcome == Outcome::kNotConnected) {
    fail(kUnavailable, fmt::format("connection error: desc = \"transport: Error while dialing: dial unix {}: {}\"",
                                   socket_, answer.text));
  }
  if (answer.status != 0) fail(answer.status, answer.text);
  return answer.message;
}

PluginInfo CsiClient::pluginInfo() const {
  return understood(parsePluginInfo(call("/pluginregistration.Registration/GetInfo", {})));
}

void CsiClient::notifyRegistration(const std::string& error) const {
  call("/pluginregistration.Registration/NotifyRegistrationStatus", renderRegistrationStatus(error));
}

CsiNodeInfo CsiClient::nodeInfo() const { return understood(parseNodeInfo(call("/csi.v1.Node/NodeGetInfo", {}))); }

std::set<CsiNodeAbility> CsiClient::abilities() const {
  return understood(parseNodeCapabilities(call("/csi.v1.Node/NodeGetCapabilities", {})));
}

void CsiClient::stage(const CsiMountRequest& request) const {
  call("/csi.v1.Node/NodeStageVolume", renderStage(request));
}

void CsiClient::publish(const CsiMountRequest& request) const {
  call("/csi.v1.Node/NodePublishVolume", renderPublish(request));
}

void CsiClient::unpublish(const std::string& volumeId, const std::string& targetPath) const {
  call("/csi.v1.Node/NodeUnpublishVolume", renderUnpublish(volumeId, targetPath));
}

void CsiClient::unstage(const std::string& volumeId, const std::string& stagingPath) const {
  call("/csi.v1.Node/NodeUnstageVolume", renderUnstage(volumeId, stagingPath));
}

int64_t CsiClient::expand(const CsiExpandRequest& request) const {
  return understood(parseExpanded(call("/csi.v1.Node/NodeExpandVolume", renderExpand(request))));
}

CsiVolumeStats CsiClient::stats(const std::string& volumeId, const std::string& volumePath,
                                const std::string& stagingPath) const {
  return understood(
      parseStats(call("/csi.v1.Node/NodeGetVolumeStats", renderStats(volumeId, volumePath, stagingPath))));
}

}  // namespace wherry::kubelet
