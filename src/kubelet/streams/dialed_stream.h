// TCP connections from inside a pod's network namespace to its loopback, as kubectl port-forward asks for.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "client/node_connection.h"
#include "net/event_loop.h"

namespace wherry::kubelet {

struct DialTarget {
  std::string sandbox;  // the pod's uid, for the words of an error
  std::string netns;    // file of the network namespace; "" is the node's own
  uint16_t port = 0;
};

// Tries 127.0.0.1, then ::1. `done` is called on the loop's thread, as is what follows. From any thread.
void dialPod(const std::shared_ptr<net::EventLoop>& loop, DialTarget target, client::OnDialed done);

}  // namespace wherry::kubelet
