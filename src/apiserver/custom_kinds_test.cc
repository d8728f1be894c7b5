// Kinds that users define, and kinds with several versions, as clients see them.
#include <gtest/gtest.h>

#include "apiserver/api_script.h"
#include "json/value.h"

namespace wherry::apiserver {
namespace {

TEST(Api, CustomResourcesAreServedOnceTheirDefinitionIsEstablished) {
  ApiWorld world;
  auto watch = world.api().client().watch(
      {"apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition", meta::Scope::kCluster},
      "", {});
  world.run(R"(
POST /apis/apiextensions.k8s.io/v1/customresourcedefinitions
  metadata: {name: boats.example.com}
  spec:
    group: example.com
    scope: Namespaced
    names: {plural: boats, singular: boat, kind: Boat, listKind: BoatList}
    versions:
      - name: v1
        served: true
        storage: true
        subresources: {status: {}, scale: {specReplicasPath: .spec.size, statusReplicasPath: .status.n}}
        schema:
          openAPIV3Schema:
            type: object
            properties:
              spec: {type: object, properties: {size: {type: integer, default: 2}}}
              status: {type: object, properties: {n: {type: integer}}}
=> 201
)");
  auto established = [](const client::WatchEvent& event) {
    const auto* conditions = event.object ? json::find(event.object->tree(), "status.conditions") : nullptr;
    return conditions != nullptr;
  };
  while (!established(watch->next({}).value())) {
  }
  world.run(R"(
POST /api/v1/namespaces/default/resourcequotas
  metadata: {name: q}
  spec: {hard: {count/boats.example.com: "1"}}
=> 201
POST /apis/example.com/v1/namespaces/default/boats
  apiVersion: example.com/v1
  kind: Boat
  metadata: {name: b}
  spec: {sail: 1}
=> 201
  apiVersion: example.com/v1
  metadata: {generation: 1}
  spec: {size: 2, sail: null}
POST /apis/example.com/v1/namespaces/default/boats
  apiVersion: example.com/v1
  kind: Boat
  metadata: {name: c}
=> 403
  message: 'boats.example.com "c" is forbidden: exceeded quota: q, requested: count/boats.example.com=1, used: count/boats.example.com=1, limited: count/boats.example.com=1'
GET /apis/example.com/v1/namespaces/default/boats
=> 200
  kind: BoatList
  items: [{kind: Boat, apiVersion: example.com/v1}]
GET /apis/example.com/v1/namespaces/default/boats/b/scale
=> 200
  spec: {replicas: 2}
DELETE /apis/apiextensions.k8s.io/v1/customresourcedefinitions/boats.example.com
=> 200
  metadata: {finalizers: [customresourcecleanup.apiextensions.k8s.io]}
)");
  while (watch->next({}).value().type != client::EventType::kDeleted) {
  }
  SUCCEED() << "the definition goes once its objects are gone";
}

TEST(Api, VersionsOfOneKindAreOneObject) {
  ApiWorld().run(R"(
POST /apis/autoscaling/v1/namespaces/default/horizontalpodautoscalers
  metadata: {name: h}
  spec: {maxReplicas: 5, targetCPUUtilizationPercentage: 60, scaleTargetRef: {kind: Deployment, name: d}}
=> 201
  apiVersion: autoscaling/v1
  spec: {targetCPUUtilizationPercentage: 60}
GET /apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers/h
=> 200
  spec: {metrics: [{type: Resource, resource: {name: cpu, target: {averageUtilization: 60}}}]}
POST /apis/events.k8s.io/v1/namespaces/default/events
  metadata: {name: e}
  eventTime: "2026-01-01T00:00:00.000000Z"
  reportingController: c.io/x
  reportingInstance: i
  action: A
  reason: R
  type: Normal
  note: hello
  regarding: {kind: Pod, name: p, namespace: default}
=> 201
GET /api/v1/namespaces/default/events?fieldSelector=involvedObject.name=p
=> 200
  items: [{message: hello, involvedObject: {name: p}}]
)");
}

}  // namespace
}  // namespace wherry::apiserver
