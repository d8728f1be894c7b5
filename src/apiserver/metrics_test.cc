#include "apiserver/metrics.h"

#include <gtest/gtest.h>

#include "apiserver/api_script.h"
#include "apiserver/test_node.h"
#include "views/metrics_v1beta1.h"

namespace wherry::apiserver {
namespace {

using std::chrono::milliseconds;

constexpr base::WallTime kThen{std::chrono::seconds(1'767'225'600)};  // 2026-01-01T00:00:00Z

class Node : public TestNode {
 public:
  client::NodeUsage usage() override {
    client::Usage small{kThen, milliseconds(15'083), 2'500'000, 3 << 20};
    client::Usage large{kThen, milliseconds(15'083), 500'000'000, 64 << 20};
    return {large, {{"default", "web", {{"nginx", small}, {"log", small}}}, {"default", "gone", {{"c", small}}}}};
  }
};

// Has not been measured yet.
class NewNode : public TestNode {};

constexpr auto kObjects = R"(
POST /api/v1/nodes
  metadata: {name: n1, labels: {zone: a}}
=> 201
POST /api/v1/nodes
  metadata: {name: n2}
=> 201
POST /api/v1/nodes
  metadata: {name: away}
=> 201
POST /api/v1/namespaces/default/serviceaccounts
  metadata: {name: default}
=> 201
POST /api/v1/namespaces/default/pods
  metadata: {name: web, labels: {app: web}}
  spec: {nodeName: n1, containers: [{name: nginx, image: i}, {name: log, image: i}]}
=> 201
)";

TEST(Metrics, AreReadFromTheNodesThatAnswer) {
  ApiWorld world([](std::string_view name) -> std::shared_ptr<client::NodeConnection> {
    if (name == "n1") return std::make_shared<Node>();
    return name == "n2" ? std::make_shared<NewNode>() : nullptr;
  });
  world.run(kObjects);
  world.run(R"(
GET /apis/metrics.k8s.io/v1beta1/nodes
=> 200
  kind: NodeMetricsList
  apiVersion: metrics.k8s.io/v1beta1
  items:
  - metadata: {name: n1, labels: {zone: a}}
    timestamp: "2026-01-01T00:00:00Z"
    window: 15.083s
    usage: {cpu: 500000000n, memory: 65536Ki}
GET /apis/metrics.k8s.io/v1beta1/nodes/n1
=> 200
  kind: NodeMetrics
  metadata: {name: n1}
GET /apis/metrics.k8s.io/v1beta1/nodes/away
=> 404
  message: nodes.metrics.k8s.io "away" not found
GET /apis/metrics.k8s.io/v1beta1/nodes?labelSelector=zone%3Db
=> 200
  items: []
GET /apis/metrics.k8s.io/v1beta1/pods
=> 200
  kind: PodMetricsList
  items:
  - metadata: {name: web, namespace: default, labels: {app: web}}
    containers:
    - {name: nginx, usage: {cpu: 2500000n, memory: 3072Ki}}
    - {name: log, usage: {cpu: 2500000n, memory: 3072Ki}}
GET /apis/metrics.k8s.io/v1beta1/namespaces/default/pods/web
=> 200
  kind: PodMetrics
GET /apis/metrics.k8s.io/v1beta1/namespaces/default/pods?fieldSelector=metadata.name%3Dother
=> 200
  items: []
GET /apis/metrics.k8s.io/v1beta1/namespaces/kube-system/pods
=> 200
  items: []
DELETE /apis/metrics.k8s.io/v1beta1/nodes/n1
=> 405
)");
}

TEST(Metrics, ATableShowsAPodsSum) {
  ApiWorld world([](std::string_view name) { return name == "n1" ? std::make_shared<Node>() : nullptr; });
  world.run(kObjects);
  auto table = world.call("GET", "/apis/metrics.k8s.io/v1beta1/pods", "",
                          {{"Accept", "application/json;as=Table;v=v1;g=meta.k8s.io"}});
  EXPECT_EQ(json::serialize(json::parse(table.body).at_pointer("/rows/0/cells")), R"(["web","5m","6Mi","15.083s"])");
}

TEST(Metrics, AreAlsoReadInTheProcess) {
  ApiWorld world([](std::string_view name) { return name == "n1" ? std::make_shared<Node>() : nullptr; });
  world.run(kObjects);
  const auto list = [&](const char* ns, const char* selector) {
    return world.api().client().list(metrics_v1beta1::PodMetrics::kResource(), ns, {.labelSelector = selector}).items;
  };
  ASSERT_EQ(list("default", "app=web").size(), 1u);
  EXPECT_EQ(metrics_v1beta1::PodMetrics(list("default", "app=web")[0]).containers().size(), 2u);
  EXPECT_TRUE(list("default", "app=other").empty());
  EXPECT_TRUE(list("kube-system", "").empty());
}

TEST(Metrics, ADurationIsWrittenAsGoWritesIt) {
  const std::pair<int, std::string_view> cases[] = {
      {0, "0s"},        {500, "500ms"},      {1000, "1s"},         {1500, "1.5s"},
      {60'000, "1m0s"}, {61'020, "1m1.02s"}, {3'600'000, "1h0m0s"}};
  for (const auto& [millis, text] : cases) EXPECT_EQ(renderGoDuration(milliseconds(millis)), text);
}

}  // namespace
}  // namespace wherry::apiserver
