// ResourceQuotas as clients meet them.
#include "apiserver/quota/accounts.h"

#include <algorithm>
#include <atomic>
#include <thread>

#include <gtest/gtest.h>

#include "apiserver/api_script.h"
#include "apiserver/quota/usage.h"
#include "schema/kind.h"

namespace wherry::apiserver {
namespace {

TEST(Quota, AQuotaIsUsedUpGivenBackAndRefusesInUpstreamsWords) {
  ApiWorld().run(R"(
POST /api/v1/namespaces/default/resourcequotas
  metadata: {name: q}
  spec: {hard: {configmaps: "1", count/deployments.apps: "0", count/widgets.example.com: "0", secrets: "2"}}
=> 201
  status: {hard: null}
POST /api/v1/namespaces/default/configmaps
  metadata: {name: one}
=> 201
GET /api/v1/namespaces/default/resourcequotas/q
=> 200
  status:
    hard: {configmaps: "1", count/deployments.apps: "0"}
    used: {configmaps: "1", count/deployments.apps: "0", secrets: "0"}
POST /api/v1/namespaces/default/configmaps
  metadata: {name: two}
=> 403
  message: 'configmaps "two" is forbidden: exceeded quota: q, requested: configmaps=1, used: configmaps=1, limited: configmaps=1'
POST /apis/apps/v1/namespaces/default/deployments
  metadata: {name: d}
  spec: {selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: i}]}}}
=> 403
  message: 'deployments.apps "d" is forbidden: exceeded quota: q, requested: count/deployments.apps=1, used: count/deployments.apps=0, limited: count/deployments.apps=0'
DELETE /api/v1/namespaces/default/configmaps/one
=> 200
POST /api/v1/namespaces/default/configmaps?dryRun=All
  metadata: {name: two}
=> 201
POST /api/v1/namespaces/default/configmaps
  metadata: {name: two}
=> 201
POST /api/v1/namespaces/default/configmaps
  metadata: {name: two}
=> 403
GET /api/v1/namespaces/default/resourcequotas/q
=> 200
  status: {used: {configmaps: "1"}}
)");
}

TEST(Quota, AWriteThatDoesNotComeAboutCostsNothing) {
  ApiWorld().run(R"(
POST /api/v1/namespaces/default/secrets
  metadata: {name: there}
=> 201
POST /api/v1/namespaces/default/resourcequotas
  metadata: {name: q}
  spec: {hard: {secrets: "2"}}
=> 201
POST /api/v1/namespaces/default/secrets
  metadata: {name: there}
=> 409
POST /api/v1/namespaces/default/secrets
  metadata: {name: second}
=> 201
POST /api/v1/namespaces/default/secrets
  metadata: {name: third}
=> 403
GET /api/v1/namespaces/default/resourcequotas/q
=> 200
  status: {used: {secrets: "2"}}
)");
}

TEST(Quota, PodsCountWithWhatTheyAskForUntilTheyHaveEnded) {
  ApiWorld world;
  world.admitPods();
  world.run(R"(
POST /api/v1/namespaces/default/resourcequotas
  metadata: {name: q}
  spec: {hard: {pods: "2", requests.cpu: "1", limits.memory: 1Gi}}
=> 201
POST /api/v1/namespaces/default/pods
  metadata: {name: silent}
  spec: {containers: [{name: a, image: i, resources: {requests: {cpu: 1m}}}, {name: b, image: i}]}
=> 403
  message: 'pods "silent" is forbidden: failed quota: q: must specify limits.memory for: a,b; requests.cpu for: b'
POST /api/v1/namespaces/default/pods
  metadata: {name: one}
  spec: {containers: [{name: a, image: i, resources: {requests: {cpu: 600m}, limits: {memory: 512Mi}}}]}
=> 201
POST /api/v1/namespaces/default/pods
  metadata: {name: two}
  spec: {containers: [{name: a, image: i, resources: {requests: {cpu: 600m}, limits: {memory: 768Mi}}}]}
=> 403
  message: 'pods "two" is forbidden: exceeded quota: q, requested: limits.memory=768Mi,requests.cpu=600m, used: limits.memory=512Mi,requests.cpu=600m, limited: limits.memory=1Gi,requests.cpu=1'
PATCH:merge /api/v1/namespaces/default/pods/one/status
  status: {phase: Succeeded}
=> 200
POST /api/v1/namespaces/default/pods
  metadata: {name: two}
  spec: {containers: [{name: a, image: i, resources: {requests: {cpu: 600m}, limits: {memory: 768Mi}}}]}
=> 201
GET /api/v1/namespaces/default/resourcequotas/q
=> 200
  status: {used: {pods: "1", requests.cpu: 600m, limits.memory: 768Mi}}
)");
}

TEST(Quota, ScopesSayWhichPodsCount) {
  ApiWorld world;
  world.admitPods();
  world.run(R"(
POST /api/v1/namespaces/default/resourcequotas
  metadata: {name: best-effort}
  spec: {hard: {pods: "0"}, scopes: [BestEffort]}
=> 201
POST /api/v1/namespaces/default/resourcequotas
  metadata: {name: critical}
  spec:
    hard: {pods: "0"}
    scopeSelector: {matchExpressions: [{scopeName: PriorityClass, operator: In, values: [system-node-critical]}]}
=> 201
POST /api/v1/namespaces/default/resourcequotas
  metadata: {name: across}
  spec: {hard: {pods: "0"}, scopeSelector: {matchExpressions: [{scopeName: CrossNamespacePodAffinity, operator: Exists}]}}
=> 201
POST /api/v1/namespaces/default/pods
  metadata: {name: a}
  spec: {containers: [{name: a, image: i}]}
=> 403
  message: 'pods "a" is forbidden: exceeded quota: best-effort, requested: pods=1, used: pods=0, limited: pods=0'
POST /api/v1/namespaces/default/pods
  metadata: {name: b}
  spec: {priorityClassName: system-node-critical, containers: [{name: a, image: i, resources: {requests: {cpu: 1m}}}]}
=> 403
  message: 'pods "b" is forbidden: exceeded quota: critical, requested: pods=1, used: pods=0, limited: pods=0'
POST /api/v1/namespaces/default/pods
  metadata: {name: c}
  spec:
    containers: [{name: a, image: i, resources: {requests: {cpu: 1m}}}]
    affinity: {podAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{topologyKey: k, namespaces: [other], labelSelector: {}}]}}
=> 403
POST /api/v1/namespaces/default/pods
  metadata: {name: d}
  spec: {containers: [{name: a, image: i, resources: {requests: {cpu: 1m}}}]}
=> 201
)");
}

TEST(Quota, ServicesAndClaimsCountByTheirKind) {
  ApiWorld().run(R"(
POST /api/v1/namespaces/default/resourcequotas
  metadata: {name: q}
  spec: {hard: {services.nodeports: "1", services.loadbalancers: "0", requests.storage: 3Gi, gold.storageclass.storage.k8s.io/requests.storage: 1Gi}}
=> 201
POST /api/v1/namespaces/default/services
  metadata: {name: np}
  spec: {type: NodePort, ports: [{port: 80}]}
=> 201
PATCH:merge /api/v1/namespaces/default/services/np
  spec: {ports: [{name: a, port: 80}, {name: b, port: 81}]}
=> 403
PATCH:merge /api/v1/namespaces/default/services/np
  spec: {type: ClusterIP}
=> 200
POST /api/v1/namespaces/default/services
  metadata: {name: other}
  spec: {type: NodePort, ports: [{port: 80}]}
=> 201
GET /api/v1/namespaces/default/resourcequotas/q
=> 200
  status: {used: {services.nodeports: "1"}}
POST /api/v1/namespaces/default/services
  metadata: {name: lb}
  spec: {type: LoadBalancer, ports: [{port: 80}]}
=> 403
POST /api/v1/namespaces/default/persistentvolumeclaims
  metadata: {name: c}
  spec: {storageClassName: gold, accessModes: [ReadWriteOnce], resources: {requests: {storage: 2Gi}}}
=> 403
  message: 'persistentvolumeclaims "c" is forbidden: exceeded quota: q, requested: gold.storageclass.storage.k8s.io/requests.storage=2Gi, used: gold.storageclass.storage.k8s.io/requests.storage=0, limited: gold.storageclass.storage.k8s.io/requests.storage=1Gi'
POST /api/v1/namespaces/default/persistentvolumeclaims
  metadata: {name: c}
  spec: {storageClassName: silver, accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
=> 201
PATCH:merge /api/v1/namespaces/default/persistentvolumeclaims/c/status
  status: {allocatedResources: {storage: 2Gi}}
=> 200
GET /api/v1/namespaces/default/resourcequotas/q
=> 200
  status: {used: {requests.storage: 2Gi}}
)");
}

TEST(Quota, AStatusWithoutUsedIsCounted) {
  ApiWorld().run(R"(
POST /api/v1/namespaces/default/configmaps
  metadata: {name: one}
=> 201
POST /api/v1/namespaces/default/resourcequotas
  metadata: {name: q}
  spec: {hard: {configmaps: "7"}}
=> 201
PATCH:merge /api/v1/namespaces/default/resourcequotas/q/status
  status: {hard: {configmaps: "7"}, used: null}
=> 200
  status: {hard: {configmaps: "7"}, used: {configmaps: "1"}}
PATCH:merge /api/v1/namespaces/default/resourcequotas/q/status
  status: {used: {configmaps: "5"}}
=> 200
  status: {used: {configmaps: "5"}}
)");
}

// Objects that are not stored, and Events, are never counted.
bool isCountable(const schema::Kind& kind) {
  bool stored = std::ranges::find(kind.verbs, "list") != kind.verbs.end();
  bool measured = kind.resource.group == "metrics.k8s.io";
  return kind.resource.scope == meta::Scope::kNamespaced && stored && !measured &&
         !quota::isIgnored(kind.resource.groupResource());
}

TEST(Quota, EveryKindThatLivesInNamespacesCanBeCounted) {
  int kinds = 0;
  for (const auto& kind : schema::builtinRegistry()->kinds()) {
    if (!isCountable(*kind)) continue;
    auto resource = kind->resource.groupResource();
    SCOPED_TRACE(resource.text());
    std::string name = "count/" + resource.text();
    json::Value one = {{"spec", {{"hard", {{name, "1"}}}}}};
    EXPECT_EQ(quota::countedResources(one), std::vector{resource});
    EXPECT_EQ(quota::usageIn(one, resource, json::Object()), (Resources{{name, meta::Quantity::of(1)}}));
    auto chain = admissionChain(*kind);
    EXPECT_TRUE(std::ranges::any_of(chain, [](auto* hook) { return hook->name == "ResourceQuota"; }));
    ++kinds;
  }
  EXPECT_GT(kinds, 20);
}

TEST(Quota, RolesAndTheirBindingsAreCountedLikeAllElse) {
  ApiWorld().run(R"(
POST /apis/rbac.authorization.k8s.io/v1/namespaces/default/roles
  metadata: {name: before}
  rules: []
=> 201
POST /api/v1/namespaces/default/resourcequotas
  metadata: {name: q}
  spec: {hard: {count/roles.rbac.authorization.k8s.io: "2", count/rolebindings.rbac.authorization.k8s.io: "0"}}
=> 201
POST /apis/rbac.authorization.k8s.io/v1/namespaces/default/roles
  metadata: {name: one}
  rules: []
=> 201
POST /apis/rbac.authorization.k8s.io/v1/namespaces/default/roles
  metadata: {name: two}
  rules: []
=> 403
  message: 'roles.rbac.authorization.k8s.io "two" is forbidden: exceeded quota: q, requested: count/roles.rbac.authorization.k8s.io=1, used: count/roles.rbac.authorization.k8s.io=2, limited: count/roles.rbac.authorization.k8s.io=2'
PATCH:merge /apis/rbac.authorization.k8s.io/v1/namespaces/default/roles/one
  rules: [{verbs: [get], apiGroups: [""], resources: [pods]}]
=> 200
POST /apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings
  metadata: {name: one}
  roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: one}
=> 403
DELETE /apis/rbac.authorization.k8s.io/v1/namespaces/default/roles
=> 200
GET /api/v1/namespaces/default/resourcequotas/q
=> 200
  status:
    used: {count/roles.rbac.authorization.k8s.io: "0", count/rolebindings.rbac.authorization.k8s.io: "0"}
)");
}

// Who died between a charge and its write left the charge behind. What is written later is believed.
TEST(Quota, IsCountedFromScratchOnceAfterAStart) {
  ApiWorld().run(R"(
POST /api/v1/namespaces/default/resourcequotas
  metadata: {name: q}
  spec: {hard: {configmaps: "3"}}
=> 201
PATCH:merge /api/v1/namespaces/default/resourcequotas/q/status
  status: {hard: {configmaps: "3"}, used: {configmaps: "3"}}
=> 200
POST /api/v1/namespaces/default/configmaps
  metadata: {name: one}
=> 201
GET /api/v1/namespaces/default/resourcequotas/q
=> 200
  status: {used: {configmaps: "1"}}
PATCH:merge /api/v1/namespaces/default/resourcequotas/q/status
  status: {used: {configmaps: "3"}}
=> 200
POST /api/v1/namespaces/default/configmaps
  metadata: {name: two}
=> 403
)");
}

// Counts go on from scratch meanwhile, as the controller's do.
TEST(Quota, SixtyFourWritersAtOnceGetExactlyWhatThereIs) {
  ApiWorld world;
  world.run(R"(
POST /api/v1/namespaces/default/resourcequotas
  metadata: {name: q}
  spec: {hard: {configmaps: "10"}}
=> 201
)");
  std::atomic<int> made = 0, refused = 0;
  auto client = [&](int number) {
    auto answer = world.call("POST", "/api/v1/namespaces/default/configmaps",
                             R"({"metadata":{"name":"c)" + std::to_string(number) + "\"}}",
                             {{"Content-Type", "application/json"}});
    (answer.status == 201 ? made : refused)++;
    world.call("PATCH", "/api/v1/namespaces/default/resourcequotas/q/status",
               R"({"status":{"hard":{"configmaps":"10"},"used":null}})",
               {{"Content-Type", "application/merge-patch+json"}});
  };
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 64; ++i) threads.emplace_back(client, i);
  }
  EXPECT_EQ(made, 10);
  EXPECT_EQ(refused, 54);
  world.run(R"(
GET /api/v1/namespaces/default/resourcequotas/q
=> 200
  status: {used: {configmaps: "10"}}
)");
}

}  // namespace
}  // namespace wherry::apiserver
