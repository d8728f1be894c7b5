// Logs over HTTP, from a node that says what it is told.
#include <gtest/gtest.h>

#include "apiserver/api_script.h"
#include "apiserver/test_node.h"

namespace wherry::apiserver {
namespace {

class Node : public TestNode {
 public:
  void logs(std::string_view ns, std::string_view pod, std::string_view, const client::LogOptions& options,
            std::shared_ptr<client::ByteSink> sink) override {
    if (options.previous) throw meta::badRequest("previous terminated container not found");
    sink->write(std::string(ns) + "/" + std::string(pod) + "/" + options.container + "\n");
    sink->finish();
  }
};

TEST(PodLog, ComesFromThePodsNode) {
  ApiWorld world([](std::string_view name) { return name == "n1" ? std::make_shared<Node>() : nullptr; });
  world.admitPods();
  world.run(R"(
POST /api/v1/namespaces/default/pods
  metadata: {name: waiting}
  spec: {containers: [{name: c, image: i}]}
=> 201
POST /api/v1/namespaces/default/pods
  metadata: {name: p}
  spec: {nodeName: n1, containers: [{name: c, image: i}, {name: d, image: i}]}
=> 201
GET /api/v1/namespaces/default/pods/p/log
=> 400
  message: "a container name must be specified for pod p, choose one of: [c d]"
GET /api/v1/namespaces/default/pods/p/log?container=x
=> 400
GET /api/v1/namespaces/default/pods/p/log?container=c&tailLines=-1
=> 422
GET /api/v1/namespaces/default/pods/p/log?container=c&previous=true
=> 400
GET /api/v1/namespaces/default/pods/waiting/log
=> 400
  message: pod waiting does not have a host assigned
)");
  auto log = world.call("GET", "/api/v1/namespaces/default/pods/p/log?container=d&follow=true");
  EXPECT_EQ(log.status, 200);
  EXPECT_EQ(log.body, "default/p/d\n");
  EXPECT_EQ(log.headers.get("Content-Type"), "text/plain");
}

}  // namespace
}  // namespace wherry::apiserver
