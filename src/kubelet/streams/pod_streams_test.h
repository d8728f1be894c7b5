// What the tests of exec and attach begin with: a pod in the test host and a connection to its node.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include <gtest/gtest.h>

#include "kubelet/streams/node_connection.h"
#include "kubelet/streams/test_client.h"
#include "kubelet/testing/running_pod.h"

namespace wherry::kubelet {

class PodStreamsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    SKIP_WITHOUT_HOST();
    pod_.emplace();
    connect();
  }

  // Anew: what the former connection held has ended.
  void connect() {
    connection_.reset();
    connection_ =
        newNodeConnection({.findPod = [this](auto, auto name) { return name == "web" ? pod_->object() : nullptr; },
                           .listPods = [this] { return std::vector{pod_->object()}; },
                           .containers = *pod_->containers,
                           .clock = base::Clock::system(),
                           .runDir = pod_->directory.run()});
  }

  std::optional<RunningPod> pod_;
  std::shared_ptr<client::NodeConnection> connection_;
};

}  // namespace wherry::kubelet
