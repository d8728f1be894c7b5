// What labels of a namespace do to pods and workloads, request by request.
#include <gtest/gtest.h>

#include "apiserver/api_script.h"

namespace wherry::apiserver {
namespace {

std::string warningsOf(const net::ClientResponse& answer) {
  std::string text;
  for (const auto& [name, value] : answer.headers.fields()) {
    if (name == "Warning" || name == "warning") text += value + "\n";
  }
  return text;
}

TEST(PodSecurity, AnEnforcedNamespaceRefusesPodsInUpstreamsWords) {
  ApiWorld world;
  world.run(R"(
POST /api/v1/namespaces
  metadata: {name: strict, labels: {pod-security.kubernetes.io/enforce: restricted}}
=> 201
POST /api/v1/namespaces/strict/serviceaccounts
  metadata: {name: default}
=> 201
POST /api/v1/namespaces/strict/pods
  metadata: {name: web}
  spec: {containers: [{name: x, image: nginx}]}
=> 403
  reason: Forbidden
  message: 'pods "web" is forbidden: violates PodSecurity "restricted:latest": allowPrivilegeEscalation != false (container "x" must set securityContext.allowPrivilegeEscalation=false), unrestricted capabilities (container "x" must set securityContext.capabilities.drop=["ALL"]), runAsNonRoot != true (pod or container "x" must set securityContext.runAsNonRoot=true), seccompProfile (pod or container "x" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")'
POST /api/v1/namespaces/strict/pods
  metadata: {name: web}
  spec:
    securityContext: {runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}}
    containers: [{name: x, image: nginx, securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}}]
=> 201
PATCH:merge /api/v1/namespaces/strict/pods/web/ephemeralcontainers
  spec: {ephemeralContainers: [{name: debug, image: busybox}]}
=> 403
PATCH:merge /api/v1/namespaces/strict
  metadata: {labels: {pod-security.kubernetes.io/enforce: strict}}
=> 422
  message: 'Namespace "strict" is invalid: metadata.labels[pod-security.kubernetes.io/enforce]: Invalid value: "strict": must be one of privileged, baseline, restricted'
)");
}

TEST(PodSecurity, AWorkloadIsOnlyWarnedAbout) {
  ApiWorld world;
  world.run(R"(
POST /api/v1/namespaces
  metadata: {name: told, labels: {pod-security.kubernetes.io/warn: baseline, pod-security.kubernetes.io/warn-version: v1.30}}
=> 201
)");
  auto answer = world.call("POST", "/apis/apps/v1/namespaces/told/deployments",
                           R"({"metadata":{"name":"d"},"spec":{"selector":{"matchLabels":{"a":"b"}},"template":{
      "metadata":{"labels":{"a":"b"}},"spec":{"hostNetwork":true,"containers":[{"name":"x","image":"nginx"}]}}}})",
                           {{"Content-Type", "application/json"}});
  EXPECT_EQ(answer.status, 201) << answer.body;
  EXPECT_EQ(warningsOf(answer),
            "299 - \"would violate PodSecurity \\\"baseline:v1.30\\\": host namespaces (hostNetwork=true)\"\n");
}

TEST(PodSecurity, AStricterLabelTellsOfThePodsThatAreThere) {
  ApiWorld world;
  world.admitPods();
  world.run(R"(
POST /api/v1/namespaces/default/pods
  metadata: {name: one}
  spec: {hostNetwork: true, containers: [{name: x, image: nginx}]}
=> 201
POST /api/v1/namespaces/default/pods
  metadata: {name: two}
  spec: {hostNetwork: true, containers: [{name: x, image: nginx}]}
=> 201
)");
  auto answer = world.call("PATCH", "/api/v1/namespaces/default",
                           R"({"metadata":{"labels":{"pod-security.kubernetes.io/enforce":"baseline"}}})",
                           {{"Content-Type", "application/merge-patch+json"}});
  EXPECT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(warningsOf(answer),
            "299 - \"existing pods in namespace \\\"default\\\" violate the new PodSecurity enforce level "
            "\\\"baseline:latest\\\"\"\n299 - \"one (and 1 other pod): host namespaces\"\n");
}

}  // namespace
}  // namespace wherry::apiserver
