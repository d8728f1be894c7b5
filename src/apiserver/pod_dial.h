// A TCP connection in a pod's network, however asking for it fails.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "client/node_connection.h"

namespace wherry::apiserver {

struct ForwardTarget {
  std::shared_ptr<client::NodeConnection> node;
  std::string ns, pod, podUid;
};

// Called once, on any thread.
void dialPod(const ForwardTarget& target, uint16_t port, const client::OnDialed& done);

}  // namespace wherry::apiserver
