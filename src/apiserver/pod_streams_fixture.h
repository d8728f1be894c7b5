// For tests: a pod on a node of the test's, and clients that ask for streams to it.
#pragma once

#include <memory>
#include <string>
#include <thread>
#include <utility>

#include <gtest/gtest.h>

#include "apiserver/api_script.h"
#include "apiserver/test_node.h"
#include "net/event_loop.h"
#include "net/socket_stream.h"
#include "net/test_peer.h"

namespace wherry::apiserver {

// Its pods' ports are those of the test's own machine.
class DialingNode : public TestNode {
 public:
  DialingNode() : thread_([loop = loop_] { loop->run(); }) {}
  ~DialingNode() override { loop_->stop(); }

  void dial(std::string_view, std::string_view, std::string_view, uint16_t port, client::OnDialed done) override {
    net::connectStream(loop_, {"127.0.0.1", port, ""}, std::chrono::seconds(5), std::move(done));
  }

 private:
  std::shared_ptr<net::EventLoop> loop_ = std::make_shared<net::EventLoop>();
  std::jthread thread_;
};

class PodStreamsTest : public testing::Test {
 protected:
  explicit PodStreamsTest(std::shared_ptr<client::NodeConnection> node) : node_(std::move(node)) {
    world_.run(R"(
POST /api/v1/namespaces/default/serviceaccounts
  metadata: {name: default}
=> 201
POST /api/v1/namespaces/default/pods
  metadata: {name: p}
  spec: {nodeName: n1, containers: [{name: c, image: i}]}
=> 201
POST /api/v1/namespaces/default/pods
  metadata: {name: waiting}
  spec: {containers: [{name: c, image: i}, {name: d, image: i}]}
=> 201
)");
  }

  static constexpr auto kToken = "Authorization: Bearer secret\r\n";
  std::string spdy(net::TestPeer& peer, const std::string& target, const std::string& protocols = "v4.channel.k8s.io") {
    return peer.upgrade("POST /api/v1/namespaces/default/pods/p/" + target,
                        std::string(kToken) + "Upgrade: SPDY/3.1\r\nX-Stream-Protocol-Version: " + protocols + "\r\n");
  }
  std::string webSocket(net::TestPeer& peer, const std::string& target, const std::string& protocols) {
    return peer.upgrade("GET /api/v1/namespaces/default/pods/p/" + target,
                        kToken + net::TestWebSocket::fields(protocols));
  }

  const std::shared_ptr<client::NodeConnection> node_;
  ApiWorld world_{[this](std::string_view name) { return name == "n1" ? node_ : nullptr; }};
};

}  // namespace wherry::apiserver
