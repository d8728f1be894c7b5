#include "controllers/deployment_revision.h"

#include <gtest/gtest.h>

#include "controllers/test_objects.h"

namespace wherry::controllers {
namespace {

using apps_v1::Deployment;
using apps_v1::ReplicaSet;

const Deployment& web() {
  static const Deployment deployment(objectOf(R"(
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  namespace: shop
  uid: d1
  annotations: {kubectl.kubernetes.io/last-applied-configuration: '{}', note: fast, deployment.kubernetes.io/revision: '1'}
spec:
  replicas: 4
  minReadySeconds: 5
  selector: {matchLabels: {app: web}}
  template: {metadata: {labels: {app: web}}, spec: {containers: [{name: nginx, image: 'nginx:1'}]}}
)"));
  return deployment;
}

TEST(NewReplicaSet, CarriesTheHashInNameLabelSelectorAndTemplate) {
  const auto expected = json::parseYaml(R"(
apiVersion: apps/v1
kind: ReplicaSet
metadata:
  name: web-5d4f
  namespace: shop
  labels: {app: web, pod-template-hash: 5d4f}
  annotations:
    note: fast
    deployment.kubernetes.io/revision: '3'
    deployment.kubernetes.io/desired-replicas: '4'
    deployment.kubernetes.io/max-replicas: '5'
  ownerReferences:
  - {apiVersion: apps/v1, kind: Deployment, name: web, uid: d1, controller: true, blockOwnerDeletion: true}
spec:
  replicas: 1
  minReadySeconds: 5
  selector: {matchLabels: {app: web, pod-template-hash: 5d4f}}
  template: {metadata: {labels: {app: web, pod-template-hash: 5d4f}}, spec: {containers: [{name: nginx, image: 'nginx:1'}]}}
)");
  const auto made = newReplicaSet(web(), "5d4f", 3, 1);
  EXPECT_TRUE(json::equal(made, expected)) << json::renderYaml(made);
}

TEST(PodTemplateHash, DependsOnTheTemplateAndTheCollisionsAlone) {
  const auto podTemplate = web().spec().template_();
  const auto made = ReplicaSet(std::make_shared<const meta::Object>(newReplicaSet(web(), "5d4f", 3, 1)));
  EXPECT_EQ(podTemplateHash(podTemplate, std::nullopt), podTemplateHash(made.spec().template_(), std::nullopt));
  EXPECT_NE(podTemplateHash(podTemplate, std::nullopt), podTemplateHash(podTemplate, 1));
  EXPECT_TRUE(sameTemplate(podTemplate, made.spec().template_()));
}

TEST(Annotations, KeepTheRevisionsAReplicaSetHadBefore) {
  const auto had =
      json::parseYaml("{deployment.kubernetes.io/revision: '2', deployment.kubernetes.io/revision-history: '1'}")
          .as_object();
  const auto wanted = decideAnnotations(web(), had, 4);
  EXPECT_EQ(json::renderYaml(wanted), json::renderYaml(json::parseYaml(R"(
deployment.kubernetes.io/revision: '4'
deployment.kubernetes.io/revision-history: 1,2
note: fast
)")));
  EXPECT_EQ(decideAnnotations(web(), wanted, 3), wanted) << "an older revision changes nothing";
}

TEST(Cleanup, RemovesTheOldestBeyondTheLimitThatAreEmpty) {
  const Deployment deployment(objectOf("{metadata: {name: web}, spec: {revisionHistoryLimit: 1}}"));
  const auto old = objectsOf<ReplicaSet>(R"(
{metadata: {name: r2, generation: 1, annotations: {deployment.kubernetes.io/revision: '2'}}, spec: {replicas: 0}, status: {replicas: 0, observedGeneration: 1}}
---
{metadata: {name: r1, generation: 1, annotations: {deployment.kubernetes.io/revision: '1'}}, spec: {replicas: 0}, status: {replicas: 0, observedGeneration: 1}}
---
{metadata: {name: r3, generation: 1, annotations: {deployment.kubernetes.io/revision: '3'}}, spec: {replicas: 0}, status: {replicas: 0, observedGeneration: 1}}
---
{metadata: {name: busy, generation: 1, annotations: {deployment.kubernetes.io/revision: '0'}}, spec: {replicas: 1}, status: {replicas: 1, observedGeneration: 1}}
)");
  std::string names;
  for (const auto& replicaSet : decideCleanup(deployment, old))
    names += std::string(replicaSet.metadata().name()) + " ";
  EXPECT_EQ(names, "r1 r2 ");
}

}  // namespace
}  // namespace wherry::controllers
