// What clients see, request by request.
#include <gtest/gtest.h>

#include "apiserver/api_script.h"
#include "json/value.h"

namespace wherry::apiserver {
namespace {

TEST(Api, AConfigMapIsCreatedReadUpdatedPatchedAndDeleted) {
  ApiWorld().run(R"(
POST /api/v1/namespaces/default/configmaps
  metadata: {name: cm, labels: {a: b}}
  data: {x: "1"}
=> 201
  kind: ConfigMap
  apiVersion: v1
  metadata: {name: cm, namespace: default, uid: "*", resourceVersion: "*", creationTimestamp: "*", generation: null}
$rv = metadata.resourceVersion
POST /api/v1/namespaces/default/configmaps
  metadata: {name: cm}
=> 409
  kind: Status
  reason: AlreadyExists
  message: configmaps "cm" already exists
GET /api/v1/namespaces/default/configmaps/cm
=> 200
  metadata: {resourceVersion: "$rv"}
  data: {x: "1"}
PUT /api/v1/namespaces/default/configmaps/cm
  metadata: {name: cm, resourceVersion: "$rv"}
  data: {y: "2"}
=> 200
  metadata: {labels: null}
  data: {x: null, y: "2"}
PUT /api/v1/namespaces/default/configmaps/cm
  metadata: {name: cm, resourceVersion: "$rv"}
  data: {y: "3"}
=> 409
  reason: Conflict
PATCH:merge /api/v1/namespaces/default/configmaps/cm
  data: {z: "3"}
=> 200
  data: {y: "2", z: "3"}
PATCH:json /api/v1/namespaces/default/configmaps/cm
  - {op: remove, path: /data/z}
=> 200
  data: {y: "2", z: null}
DELETE /api/v1/namespaces/default/configmaps/cm
=> 200
  kind: Status
  status: Success
  details: {name: cm, kind: configmaps, uid: "*"}
GET /api/v1/namespaces/default/configmaps/cm
=> 404
  reason: NotFound
)");
}

TEST(Api, AnUpdateThatChangesNothingWritesNothing) {
  ApiWorld().run(R"(
POST /api/v1/namespaces/default/configmaps
  metadata: {name: cm}
  data: {x: "1"}
=> 201
$rv = metadata.resourceVersion
PATCH:merge /api/v1/namespaces/default/configmaps/cm
  data: {x: "1"}
=> 200
  metadata: {resourceVersion: "$rv"}
)");
}

TEST(Api, StatusIsItsOwnSubresource) {
  ApiWorld().run(R"(
POST /apis/apps/v1/namespaces/default/deployments
  metadata: {name: d}
  spec:
    replicas: 2
    selector: {matchLabels: {a: b}}
    template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: i}]}}
  status: {replicas: 9}
=> 201
  metadata: {generation: 1}
  status: {replicas: null}
PATCH:merge /apis/apps/v1/namespaces/default/deployments/d
  spec: {replicas: 3}
  status: {replicas: 9}
=> 200
  metadata: {generation: 2}
  status: {replicas: null}
PATCH:merge /apis/apps/v1/namespaces/default/deployments/d/status
  spec: {replicas: 7}
  status: {replicas: 3}
=> 200
  metadata: {generation: 2}
  spec: {replicas: 3}
  status: {replicas: 3}
GET /apis/apps/v1/namespaces/default/deployments/d/scale
=> 200
  kind: Scale
  apiVersion: autoscaling/v1
  spec: {replicas: 3}
  status: {replicas: 3, selector: a=b}
PATCH:merge /apis/apps/v1/namespaces/default/deployments/d/scale
  spec: {replicas: 5}
=> 200
  spec: {replicas: 5}
GET /apis/apps/v1/namespaces/default/deployments/d
=> 200
  metadata: {generation: 3}
  spec: {replicas: 5}
)");
}

TEST(Api, FinalizersHoldADeletedObjectUntilTheLastOneGoes) {
  ApiWorld().run(R"(
POST /api/v1/namespaces/default/configmaps
  metadata: {name: cm, finalizers: [a.io/x]}
=> 201
$rv = metadata.resourceVersion
DELETE /api/v1/namespaces/default/configmaps/cm
=> 200
  kind: ConfigMap
  metadata: {deletionTimestamp: "*", deletionGracePeriodSeconds: 0}
PATCH:merge /api/v1/namespaces/default/configmaps/cm
  metadata: {finalizers: [a.io/x, a.io/y]}
=> 422
PATCH:merge /api/v1/namespaces/default/configmaps/cm
  metadata: {finalizers: null}
=> 200
GET /api/v1/namespaces/default/configmaps/cm
=> 404
GET /api/v1/namespaces/default/configmaps?watch=1&timeoutSeconds=1&resourceVersion=$rv
=> 200
  - {type: MODIFIED, object: {metadata: {deletionTimestamp: "*"}}}
  - {type: DELETED, object: {metadata: {finalizers: [a.io/x]}}}
)");
}

TEST(Api, ForegroundAndOrphanDeletionAreFinalizers) {
  ApiWorld().run(R"(
POST /api/v1/namespaces/default/configmaps
  metadata: {name: f}
=> 201
DELETE /api/v1/namespaces/default/configmaps/f?propagationPolicy=Foreground
=> 200
  kind: ConfigMap
  metadata: {finalizers: [foregroundDeletion], deletionTimestamp: "*"}
POST /api/v1/namespaces/default/configmaps
  metadata: {name: o}
=> 201
DELETE /api/v1/namespaces/default/configmaps/o
  kind: DeleteOptions
  apiVersion: v1
  propagationPolicy: Orphan
=> 200
  metadata: {finalizers: [orphan]}
DELETE /api/v1/namespaces/default/configmaps/o
  preconditions: {uid: another}
=> 409
  reason: Conflict
)");
}

TEST(Api, APodOnANodeIsGivenItsGraceAndOneWithoutANodeNone) {
  ApiWorld world;
  world.admitPods();
  world.run(R"(
POST /api/v1/namespaces/default/pods
  metadata: {name: p}
  spec: {containers: [{name: c, image: i}]}
=> 201
POST /api/v1/namespaces/default/pods/p/binding
  target: {kind: Node, name: n1}
=> 201
  kind: Status
  status: Success
GET /api/v1/namespaces/default/pods?fieldSelector=spec.nodeName=n1
=> 200
  items:
    - {metadata: {name: p}, apiVersion: null}
DELETE /api/v1/namespaces/default/pods/p
=> 200
  metadata: {deletionGracePeriodSeconds: 30, generation: 2}
DELETE /api/v1/namespaces/default/pods/p?gracePeriodSeconds=0
=> 200
GET /api/v1/namespaces/default/pods/p
=> 404
POST /api/v1/namespaces/default/pods
  metadata: {name: q}
  spec: {containers: [{name: c, image: i}]}
=> 201
DELETE /api/v1/namespaces/default/pods/q
=> 200
  kind: Pod
GET /api/v1/namespaces/default/pods/q
=> 404
)");
}

TEST(Api, ANamespaceMustBeThereAndNotTerminating) {
  ApiWorld().run(R"(
POST /api/v1/namespaces/nowhere/configmaps
  metadata: {name: cm}
=> 404
  message: namespaces "nowhere" not found
POST /api/v1/namespaces
  metadata: {name: a}
=> 201
  spec: {finalizers: [kubernetes]}
  status: {phase: Active}
DELETE /api/v1/namespaces/a
=> 200
  status: {phase: Terminating}
POST /api/v1/namespaces/a/configmaps
  metadata: {name: cm}
=> 403
  details: {causes: [{reason: NamespaceTerminating}]}
PUT /api/v1/namespaces/a/finalize
  metadata: {name: a}
  spec: {finalizers: []}
=> 200
GET /api/v1/namespaces/a
=> 404
DELETE /api/v1/namespaces/default
=> 403
)");
}

TEST(Api, ListsComeInPagesOfOneRevision) {
  ApiWorld().run(R"(
POST /api/v1/namespaces/default/configmaps
  metadata: {name: a, labels: {x: "1"}}
=> 201
POST /api/v1/namespaces/default/configmaps
  metadata: {name: b}
=> 201
POST /api/v1/namespaces/default/configmaps
  metadata: {name: c, labels: {x: "1"}}
=> 201
GET /api/v1/namespaces/default/configmaps?limit=2
=> 200
  metadata: {remainingItemCount: 1, continue: "*"}
  items: [{metadata: {name: a}}, {metadata: {name: b}}]
$next = metadata.continue
POST /api/v1/namespaces/default/configmaps
  metadata: {name: d}
=> 201
GET /api/v1/namespaces/default/configmaps?limit=2&continue=$next
=> 200
  metadata: {continue: null}
  items: [{metadata: {name: c}}]
GET /api/v1/namespaces/default/configmaps?limit=1&labelSelector=x
=> 200
  metadata: {continue: "*", remainingItemCount: null}
  items: [{metadata: {name: a}}]
GET /api/v1/namespaces/default/configmaps?continue=nonsense
=> 400
)");
}

TEST(Api, AWatchFollowsASelectionAndTellsWhereItIs) {
  ApiWorld().run(R"(
POST /api/v1/namespaces/default/configmaps
  metadata: {name: a}
=> 201
$rv = metadata.resourceVersion
PATCH:merge /api/v1/namespaces/default/configmaps/a
  metadata: {labels: {x: "1"}}
=> 200
PATCH:merge /api/v1/namespaces/default/configmaps/a
  metadata: {labels: {x: "2"}}
=> 200
GET /api/v1/namespaces/default/configmaps?watch=1&timeoutSeconds=1&resourceVersion=$rv&labelSelector=x%3D1
=> 200
  - {type: ADDED, object: {kind: ConfigMap, apiVersion: v1, metadata: {labels: {x: "1"}}}}
  - {type: DELETED, object: {metadata: {labels: {x: "1"}}}}
GET /api/v1/namespaces/default/configmaps?watch=1&timeoutSeconds=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true
=> 200
  - {type: ADDED, object: {metadata: {name: a}}}
  - {type: BOOKMARK, object: {metadata: {annotations: {k8s.io/initial-events-end: "true"}}}}
)");
}

TEST(Api, ADryRunChecksEverythingAndStoresNothing) {
  ApiWorld().run(R"(
POST /api/v1/namespaces/default/services?dryRun=All
  metadata: {name: s}
  spec: {ports: [{port: 80}], selector: {a: b}, clusterIP: 10.96.3.3}
=> 201
  metadata: {resourceVersion: null, uid: "*"}
  spec: {clusterIP: 10.96.3.3}
GET /api/v1/namespaces/default/services/s
=> 404
POST /api/v1/namespaces/default/services
  metadata: {name: t}
  spec: {ports: [{port: 80}], selector: {a: b}, clusterIP: 10.96.3.3}
=> 201
POST /api/v1/namespaces/default/services
  metadata: {name: u}
  spec: {ports: [{port: 80}], selector: {a: b}, clusterIP: 10.96.3.3}
=> 422
DELETE /api/v1/namespaces/default/services/t
=> 200
POST /api/v1/namespaces/default/services
  metadata: {name: u}
  spec: {ports: [{port: 80}], selector: {a: b}, clusterIP: 10.96.3.3}
=> 201
)");
}

TEST(Api, TheSystemsOwnObjectsAreThereAndComeBack) {
  ApiWorld world;
  auto watch = world.api().client().watch({"discovery.k8s.io", "v1", "endpointslices", "EndpointSlice"}, "default", {});
  EXPECT_EQ(watch->next({}).value().type, client::EventType::kAdded);
  world.run(R"(
GET /api/v1/namespaces/default/services/kubernetes
=> 200
  spec: {clusterIP: 10.96.0.1, ports: [{name: https, port: 443}]}
GET /apis/scheduling.k8s.io/v1/priorityclasses/system-node-critical
=> 200
DELETE /apis/discovery.k8s.io/v1/namespaces/default/endpointslices/kubernetes
=> 200
)");
  EXPECT_EQ(watch->next({}).value().type, client::EventType::kDeleted);
  auto again = watch->next({}).value();
  EXPECT_EQ(again.type, client::EventType::kAdded);
  EXPECT_EQ(json::getString(again.object->tree(), "endpoints.0.addresses.0"), "192.0.2.1");
}

}  // namespace
}  // namespace wherry::apiserver
