// What a node may do that comes with a certificate of its own: it reads what its pods lead to and writes what is its.
#include <gtest/gtest.h>

#include "apiserver/api_script.h"

namespace wherry::apiserver {
namespace {

// Nodes a and b, and a pod of a's with what it leads to.
class NodesApi : public ::testing::Test {
 protected:
  NodesApi() {
    world_.admitPods();
    world_.run(R"(
POST /api/v1/namespaces/default/serviceaccounts
  metadata: {name: other}
=> 201
POST /api/v1/namespaces/default/secrets
  metadata: {name: used}
=> 201
POST /api/v1/namespaces/default/secrets
  metadata: {name: unused}
=> 201
POST /api/v1/nodes
  metadata: {name: a}
=> 201
POST /api/v1/nodes
  metadata: {name: b}
=> 201
POST /api/v1/namespaces/default/persistentvolumeclaims
  metadata: {name: disk}
  spec: {accessModes: [ReadWriteOnce], volumeName: pv, resources: {requests: {storage: 1Gi}}}
=> 201
POST /api/v1/persistentvolumes
  metadata: {name: pv}
  spec:
    capacity: {storage: 1Gi}
    accessModes: [ReadWriteOnce]
    claimRef: {namespace: default, name: disk}
    csi: {driver: d, volumeHandle: h, nodeStageSecretRef: {namespace: default, name: staged}}
=> 201
POST /api/v1/namespaces/default/pods
  metadata: {name: p}
  spec:
    nodeName: a
    imagePullSecrets: [{name: pull}]
    containers: [{name: c, image: i, envFrom: [{configMapRef: {name: env}}]}]
    volumes: [{name: s, secret: {secretName: used}}, {name: d, persistentVolumeClaim: {claimName: disk}}]
=> 201
$uid = metadata.uid
)");
  }

  ApiWorld world_;
};

TEST_F(NodesApi, ANodeReadsWhatItsPodsLeadTo) {
  world_.run(R"(
GET /api/v1/namespaces/default/secrets/used as system:node:a system:nodes
=> 200
GET /api/v1/namespaces/default/secrets/pull as system:node:a system:nodes
=> 404
GET /api/v1/namespaces/default/secrets/staged as system:node:a system:nodes
=> 404
GET /api/v1/namespaces/default/secrets/unused as system:node:a system:nodes
=> 403
  message: "secrets \"unused\" is forbidden: User \"system:node:a\" cannot get resource \"secrets\" in API group \"\" in the namespace \"default\": no relationship found between node 'a' and this object"
GET /api/v1/namespaces/default/secrets/used as system:node:b system:nodes
=> 403
GET /api/v1/namespaces/default/secrets/used as system:node:a
=> 403
GET /api/v1/namespaces/default/secrets as system:node:a system:nodes
=> 403
GET /api/v1/namespaces/default/secrets?fieldSelector=metadata.name%3Dused&watch=1&timeoutSeconds=1 as system:node:a system:nodes
=> 200
GET /api/v1/namespaces/default/configmaps/env as system:node:a system:nodes
=> 404
GET /api/v1/namespaces/default/configmaps/env as system:node:b system:nodes
=> 403
GET /api/v1/namespaces/default/persistentvolumeclaims/disk as system:node:a system:nodes
=> 200
GET /api/v1/persistentvolumes/pv as system:node:a system:nodes
=> 200
GET /api/v1/persistentvolumes/pv as system:node:b system:nodes
=> 403
GET /api/v1/namespaces/default/pods/p as system:node:a system:nodes
=> 200
GET /api/v1/namespaces/default/pods/p as system:node:b system:nodes
=> 403
GET /api/v1/pods as system:node:a system:nodes
=> 403
GET /api/v1/pods?fieldSelector=spec.nodeName%3Da as system:node:a system:nodes
=> 200
GET /api/v1/nodes/a as system:node:a system:nodes
=> 200
GET /api/v1/nodes/b as system:node:a system:nodes
=> 403
GET /api/v1/services as system:node:a system:nodes
=> 200
GET /apis/apps/v1/deployments as system:node:a system:nodes
=> 403
DELETE /api/v1/namespaces/default/pods/p?gracePeriodSeconds=0
=> 200
GET /api/v1/namespaces/default/secrets/used as system:node:a system:nodes
=> 403
)");
}

TEST_F(NodesApi, ANodeWritesWhatIsItsOwn) {
  world_.run(R"(
PATCH:merge /api/v1/nodes/a as system:node:a system:nodes
  metadata: {labels: {rack: r1, kubernetes.io/hostname: a}}
=> 200
PATCH:merge /api/v1/nodes/b as system:node:a system:nodes
  metadata: {labels: {rack: r1}}
=> 403
  message: 'nodes "b" is forbidden: node "a" is not allowed to modify node "b"'
PATCH:merge /api/v1/nodes/a as system:node:a system:nodes
  metadata: {labels: {node-restriction.kubernetes.io/pci: "true", node-role.kubernetes.io/control-plane: ""}}
=> 403
  message: 'nodes "a" is forbidden: is not allowed to modify labels: node-restriction.kubernetes.io/pci, node-role.kubernetes.io/control-plane'
PATCH:merge /api/v1/nodes/a as system:node:a system:nodes
  spec: {taints: [{key: a, effect: NoSchedule}]}
=> 403
PATCH:merge /api/v1/nodes/a/status as system:node:a system:nodes
  status: {capacity: {cpu: "4"}}
=> 200
POST /api/v1/nodes as system:node:c system:nodes
  metadata: {name: c}
=> 201
POST /api/v1/nodes as system:node:c system:nodes
  metadata: {name: d}
=> 403
DELETE /api/v1/nodes/c as system:node:c system:nodes
=> 403
PATCH:merge /api/v1/namespaces/default/pods/p/status as system:node:a system:nodes
  status: {phase: Running}
=> 200
PATCH:merge /api/v1/namespaces/default/pods/p/status as system:node:b system:nodes
  status: {phase: Failed}
=> 403
  message: 'pods "p" is forbidden: node "b" can only update pod status for pods with spec.nodeName set to itself'
POST /api/v1/namespaces/default/pods/p/eviction as system:node:b system:nodes
  metadata: {name: p}
=> 403
POST /api/v1/namespaces/default/pods as system:node:a system:nodes
  metadata: {name: own}
  spec: {nodeName: a, containers: [{name: c, image: i}]}
=> 403
  message: 'pods "own" is forbidden: pod does not have "kubernetes.io/config.mirror" annotation, node "a" can only create mirror pods'
POST /apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases as system:node:a system:nodes
  metadata: {name: a}
=> 201
POST /apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases as system:node:a system:nodes
  metadata: {name: b}
=> 403
POST /apis/coordination.k8s.io/v1/namespaces/default/leases as system:node:a system:nodes
  metadata: {name: a}
=> 403
DELETE /api/v1/namespaces/default/pods/p as system:node:b system:nodes
=> 403
DELETE /api/v1/namespaces/default/pods/p as system:node:a system:nodes
=> 200
)");
}

TEST_F(NodesApi, ANodeGetsTokensForItsPods) {
  world_.run(R"(
POST /api/v1/namespaces/default/serviceaccounts/default/token as system:node:a system:nodes
  spec: {boundObjectRef: {apiVersion: v1, kind: Pod, name: p, uid: $uid}}
=> 201
POST /api/v1/namespaces/default/serviceaccounts/default/token as system:node:a system:nodes
  spec: {}
=> 403
  message: 'serviceaccounts "default" is forbidden: node requested token not bound to a pod'
POST /api/v1/namespaces/default/serviceaccounts/default/token as system:node:b system:nodes
  spec: {boundObjectRef: {apiVersion: v1, kind: Pod, name: p, uid: $uid}}
=> 403
POST /api/v1/namespaces/default/serviceaccounts/other/token as system:node:a system:nodes
  spec: {boundObjectRef: {apiVersion: v1, kind: Pod, name: p, uid: $uid}}
=> 403
)");
}

TEST_F(NodesApi, MembersOfMastersAreNotRestricted) {
  world_.run(R"(
PATCH:merge /api/v1/nodes/b as system:node:a system:nodes system:masters
  metadata: {labels: {rack: r1}}
=> 200
)");
}

}  // namespace
}  // namespace wherry::apiserver
