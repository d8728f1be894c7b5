// Versions of a kind over one stored object, as clients of each see it.
#include <gtest/gtest.h>

#include "apiserver/api_script.h"

namespace wherry::apiserver {
namespace {

TEST(Conversion, AnOldCronJobIsTheSameObject) {
  ApiWorld().run(R"(
POST /apis/batch/v1beta1/namespaces/default/cronjobs
  metadata: {name: tick}
  spec:
    schedule: "* * * * *"
    jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: c, image: i}]}}}}
=> 201
  apiVersion: batch/v1beta1
  spec: {concurrencyPolicy: Allow}
GET /apis/batch/v1/namespaces/default/cronjobs/tick
=> 200
  apiVersion: batch/v1
  spec: {schedule: "* * * * *"}
PATCH:merge /apis/batch/v1beta1/namespaces/default/cronjobs/tick
  spec: {suspend: true}
=> 200
GET /apis/batch/v1/namespaces/default/cronjobs
=> 200
  items: [{metadata: {name: tick}, spec: {suspend: true}}]
)");
}

TEST(Conversion, AnOldEndpointSliceHasItsZoneInTopology) {
  ApiWorld().run(R"(
POST /apis/discovery.k8s.io/v1/namespaces/default/endpointslices
  metadata: {name: s}
  addressType: IPv4
  endpoints: [{addresses: [10.0.0.1], nodeName: n, zone: z, deprecatedTopology: {rack: "7"}}]
  ports: [{port: 80}]
=> 201
GET /apis/discovery.k8s.io/v1beta1/namespaces/default/endpointslices/s
=> 200
  apiVersion: discovery.k8s.io/v1beta1
  endpoints:
  - addresses: [10.0.0.1]
    nodeName: n
    zone: null
    deprecatedTopology: null
    topology: {rack: "7", topology.kubernetes.io/zone: z, kubernetes.io/hostname: n}
  ports: [{port: 80, protocol: TCP}]
PATCH:merge /apis/discovery.k8s.io/v1beta1/namespaces/default/endpointslices/s
  metadata: {labels: {seen: "yes"}}
=> 200
GET /apis/discovery.k8s.io/v1/namespaces/default/endpointslices/s
=> 200
  metadata: {labels: {seen: "yes"}}
  endpoints:
  - {addresses: [10.0.0.1], nodeName: n, zone: z, topology: null, deprecatedTopology: {rack: "7", kubernetes.io/hostname: null}}
POST /apis/discovery.k8s.io/v1beta1/namespaces/default/endpointslices
  metadata: {name: old}
  addressType: IPv4
  endpoints: [{addresses: [10.0.0.2], topology: {kubernetes.io/hostname: m}}]
  ports: []
=> 201
  endpoints: [{addresses: [10.0.0.2], nodeName: null, topology: {kubernetes.io/hostname: m}}]
)");
}

TEST(Conversion, AnEmptySelectorOfAnOldBudgetSelectsNothing) {
  ApiWorld().run(R"(
POST /apis/policy/v1beta1/namespaces/default/poddisruptionbudgets
  metadata: {name: none}
  spec: {minAvailable: 1, selector: {}}
=> 201
  spec: {selector: {matchExpressions: null}}
GET /apis/policy/v1/namespaces/default/poddisruptionbudgets/none
=> 200
  spec: {selector: {matchExpressions: [{key: pdb.kubernetes.io/deprecated-v1beta1-empty-selector-match, operator: Exists}]}}
POST /apis/policy/v1/namespaces/default/poddisruptionbudgets
  metadata: {name: all}
  spec: {minAvailable: 1, selector: {}}
=> 201
GET /apis/policy/v1beta1/namespaces/default/poddisruptionbudgets/all
=> 200
  spec: {selector: {matchExpressions: [{key: pdb.kubernetes.io/deprecated-v1beta1-empty-selector-match, operator: DoesNotExist}]}}
PATCH:merge /apis/policy/v1beta1/namespaces/default/poddisruptionbudgets/all
  spec: {minAvailable: 2}
=> 200
GET /apis/policy/v1/namespaces/default/poddisruptionbudgets/all
=> 200
  spec: {minAvailable: 2, selector: {matchExpressions: null}}
)");
}

TEST(Conversion, AnAutoscalerWithoutMetricsWatchesTheCpu) {
  ApiWorld().run(R"(
POST /apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers
  metadata: {name: h}
  spec: {maxReplicas: 3, scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: d}}
=> 201
  spec: {metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 80}}}]}
)");
}

}  // namespace
}  // namespace wherry::apiserver
