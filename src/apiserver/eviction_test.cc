// Evictions and the budgets that pods are under.
#include <gtest/gtest.h>

#include "apiserver/api_script.h"

namespace wherry::apiserver {
namespace {

// A pod under a budget that lets none go.
class Eviction : public ::testing::Test {
 protected:
  Eviction() {
    world_.admitPods();
    world_.run(R"(
POST /api/v1/namespaces/default/pods
  metadata: {name: p, labels: {app: web}}
  spec: {nodeName: n, containers: [{name: c, image: i}]}
=> 201
PATCH:merge /api/v1/namespaces/default/pods/p/status
  status: {phase: Running, conditions: [{type: Ready, status: "True"}]}
=> 200
POST /apis/policy/v1/namespaces/default/poddisruptionbudgets
  metadata: {name: b}
  spec: {minAvailable: 1, selector: {matchLabels: {app: web}}}
=> 201
)");
  }

  ApiWorld world_;
};

TEST_F(Eviction, WaitsForTheBudgetAndTakesFromIt) {
  world_.run(R"(
# nobody has looked at the budget yet
POST /api/v1/namespaces/default/pods/p/eviction
  metadata: {name: p}
=> 429
  reason: TooManyRequests
  message: Cannot evict pod as it would violate the pod's disruption budget.
  details: {retryAfterSeconds: null, causes: [{reason: DisruptionBudget, message: The disruption budget b is still being processed by the server.}]}
PATCH:merge /apis/policy/v1/namespaces/default/poddisruptionbudgets/b/status
  status: {observedGeneration: 1, currentHealthy: 1, desiredHealthy: 1, disruptionsAllowed: 0, expectedPods: 1}
=> 200
# the client of kubectl 1.20
POST /api/v1/namespaces/default/pods/p/eviction
  {apiVersion: policy/v1beta1, kind: Eviction, metadata: {name: p}, deleteOptions: {}}
=> 429
  details: {causes: [{message: The disruption budget b needs 1 healthy pods and has 1 currently}]}
PATCH:merge /apis/policy/v1/namespaces/default/poddisruptionbudgets/b/status
  status: {disruptionsAllowed: 1}
=> 200
POST /api/v1/namespaces/default/pods/p/eviction
  {apiVersion: policy/v1, kind: Eviction, metadata: {name: p}}
=> 201
GET /apis/policy/v1/namespaces/default/poddisruptionbudgets/b
=> 200
  status: {disruptionsAllowed: 0, disruptedPods: {p: "*"}}
GET /api/v1/namespaces/default/pods/p
=> 200
  metadata: {deletionTimestamp: "*"}
)");
}

TEST_F(Eviction, APodThatServesNobodyMayGo) {
  world_.run(R"(
PATCH:merge /api/v1/namespaces/default/pods/p/status
  status: {conditions: [{type: Ready, status: "False"}]}
=> 200
PATCH:merge /apis/policy/v1/namespaces/default/poddisruptionbudgets/b/status
  status: {observedGeneration: 1, currentHealthy: 0, desiredHealthy: 1}
=> 200
POST /api/v1/namespaces/default/pods/p/eviction
  metadata: {name: p}
=> 429
PATCH:merge /apis/policy/v1/namespaces/default/poddisruptionbudgets/b
  spec: {unhealthyPodEvictionPolicy: AlwaysAllow}
=> 200
POST /api/v1/namespaces/default/pods/p/eviction
  metadata: {name: p}
=> 201
)");
}

TEST_F(Eviction, ABodyOfAnotherKindIsRefused) {
  world_.run(R"(
POST /api/v1/namespaces/default/pods/p/eviction
  {apiVersion: v1, kind: Pod, metadata: {name: p}}
=> 400
POST /api/v1/namespaces/default/pods/p/eviction
  metadata: {name: other}
=> 400
)");
}

}  // namespace
}  // namespace wherry::apiserver
