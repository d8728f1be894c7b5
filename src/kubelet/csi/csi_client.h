// Calls of a storage driver on this node over its local socket (gRPC). Each blocks, at most two minutes unless told
// otherwise, as upstream's do. Safe from any thread.
#pragma once

#include <chrono>
#include <set>
#include <stdexcept>
#include <stop_token>
#include <string>

#include "kubelet/csi/csi_messages.h"

namespace wherry::kubelet {

// what() as upstream's messages have it: "rpc error: code = Internal desc = no such volume".
struct CsiError : std::runtime_error {
  CsiError(int statusCode, const std::string& message) : std::runtime_error(message), code(statusCode) {}
  int code;  // of gRPC; 14 (unavailable) when nobody answers
};

class CsiClient {
 public:
  explicit CsiClient(std::string socket, std::stop_token stop = {},
                     std::chrono::seconds timeout = std::chrono::minutes(2))
      : socket_(std::move(socket)), stop_(std::move(stop)), timeout_(timeout) {}

  PluginInfo pluginInfo() const;                            // of a socket in the registry
  void notifyRegistration(const std::string& error) const;  // likewise

  CsiNodeInfo nodeInfo() const;
  std::set<CsiNodeAbility> abilities() const;
  void stage(const CsiMountRequest& request) const;
  void publish(const CsiMountRequest& request) const;
  void unpublish(const std::string& volumeId, const std::string& targetPath) const;
  void unstage(const std::string& volumeId, const std::string& stagingPath) const;
  int64_t expand(const CsiExpandRequest& request) const;
  CsiVolumeStats stats(const std::string& volumeId, const std::string& volumePath,
                       const std::string& stagingPath) const;

 private:
  std::string call(const char* path, std::string message) const;

  std::string socket_;
  std::stop_token stop_;
  std::chrono::seconds timeout_;
};

}  // namespace wherry::kubelet
