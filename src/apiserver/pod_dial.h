// A TCP connection in a pod's network, however asking for it fails.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "client/node_connection.h"

namespace wherry::apiserver {

struct ForwardTarget {
  std::shared_ptr<client::NodeConnection> node;
  std::string ns, pod, podUid;
};

// Null and why: "dial tcp4 127.0.0.1:80: connect: connection refused". Called once, on any thread.
using OnPodDialed = std::function<void(net::ByteStreamPtr, const std::string& why)>;
void dialPod(const ForwardTarget& target, uint16_t port, OnPodDialed done);

}  // namespace wherry::apiserver
