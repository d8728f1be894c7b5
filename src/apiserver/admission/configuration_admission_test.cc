// Kinds without pods: configuration, roles, policies, nodes, storage.
#include <gtest/gtest.h>

#include "apiserver/admission/admission_world.h"

namespace wherry::apiserver {
namespace {

#define CONFIGMAP(rest) "{apiVersion: v1, kind: ConfigMap, metadata: {name: c}, " rest "}"
#define SECRET(rest) "{apiVersion: v1, kind: Secret, metadata: {name: s}, " rest "}"

TEST(ConfigMapAdmission, KnowsItsKeys) {
  AdmissionWorld world;
  expectAll(world, std::vector<Refused>{
                       {"names of files", CONFIGMAP("data: {a.b-c_D: x}"), {}},
                       {"with a space", CONFIGMAP("data: {'a b': c}"), {"FieldValueInvalid data[a b]"}},
                       {"the directory above", CONFIGMAP("data: {..: c}"), {"FieldValueInvalid data[..]"}},
                       {"twice", CONFIGMAP("data: {a: c}, binaryData: {a: YQ==}"), {"FieldValueInvalid data[a]"}},
                   });
  auto big = world.create(
      "{apiVersion: v1, kind: ConfigMap, metadata: {name: c}, data: {a: " + std::string(1024 * 1024 + 1, 'x') + "}}");
  EXPECT_EQ(big.causes, std::vector<std::string>{"FieldValueTooLong "});
}

TEST(ConfigMapAdmission, AnImmutableOneStays) {
  AdmissionWorld world;
  expectAll(
      world,
      std::vector<Changed>{
          {"data may change", CONFIGMAP("data: {a: b}"), "{data: {a: c}}", {}},
          {"but not of an immutable one",
           CONFIGMAP("data: {a: b}, immutable: true"),
           "{data: {a: c}}",
           {"FieldValueForbidden data"}},
          {"which it stays", CONFIGMAP("immutable: true"), "{immutable: false}", {"FieldValueForbidden immutable"}},
          {"labels are not data", CONFIGMAP("immutable: true"), "{metadata: {labels: {a: b}}}", {}},
      });
}

TEST(SecretAdmission, HoldsWhatItsTypeNeeds) {
  AdmissionWorld world;
  expectAll(world, std::vector<FilledIn>{
                       {"texts become data", SECRET("stringData: {a: hello}, data: {b: YQ==}"), "data",
                        "{a: aGVsbG8=, b: YQ==}"},
                       {"and are not stored", SECRET("stringData: {a: hello}"), "stringData", ""},
                   });
  expectAll(world, std::vector<Refused>{
                       {"a certificate and a key",
                        SECRET("type: kubernetes.io/tls, data: {}"),
                        {"FieldValueRequired data[tls.crt]", "FieldValueRequired data[tls.key]"}},
                       {"a user or a password", SECRET("type: kubernetes.io/basic-auth, data: {username: YQ==}"), {}},
                       {"a configuration in JSON",
                        SECRET("type: kubernetes.io/dockerconfigjson, stringData: {.dockerconfigjson: '{'}"),
                        {"FieldValueInvalid data[.dockerconfigjson]"}},
                       {"an account",
                        SECRET("type: kubernetes.io/service-account-token"),
                        {"FieldValueRequired metadata.annotations[kubernetes.io/service-account.name]"}},
                   });
  expectAll(world, std::vector<Changed>{
                       {"the type stays", SECRET("type: a"), "{type: b}", {"FieldValueInvalid type"}},
                   });
  EXPECT_EQ(world.create(SECRET("type: kubernetes.io/tls, data: {tls.crt: YQ==, tls.key: Yg==}")).warnings,
            std::vector<std::string>{"tls: failed to find any PEM data in certificate input"});
}

TEST(RoleAdmission, RulesMeanSomething) {
  AdmissionWorld world;
#define ROLE(kind, rule) \
  "{apiVersion: rbac.authorization.k8s.io/v1, kind: " kind ", metadata: {name: r}, rules: [{" rule "}]}"
  expectAll(world, std::vector<Refused>{
                       {"verbs are required",
                        ROLE("Role", "apiGroups: [''], resources: [pods]"),
                        {"FieldValueRequired rules[0].verbs"}},
                       {"paths are not in a namespace",
                        ROLE("Role", "nonResourceURLs: [/x], verbs: [get]"),
                        {"FieldValueInvalid rules[0].nonResourceURLs"}},
                       {"but in the cluster", ROLE("ClusterRole", "nonResourceURLs: [/x], verbs: [get]"), {}},
                       {"resources are of a group",
                        ROLE("Role", "resources: [pods], verbs: [get]"),
                        {"FieldValueRequired rules[0].apiGroups"}},
                   });
}

TEST(RoleBindingAdmission, NamesSomeone) {
  AdmissionWorld world;
#define BINDING(kind, role, subject)                                                                      \
  "{apiVersion: rbac.authorization.k8s.io/v1, kind: " kind ", metadata: {name: b}, roleRef: {kind: " role \
  ", name: r},"                                                                                           \
  " subjects: [{" subject "}]}"
  expectAll(world, std::vector<FilledIn>{
                       {"a user is of RBAC's group", BINDING("RoleBinding", "Role", "kind: User, name: jane"),
                        "subjects.0.apiGroup", "rbac.authorization.k8s.io"},
                   });
  expectAll(world, std::vector<Refused>{
                       {"an account of the cluster has a namespace",
                        BINDING("ClusterRoleBinding", "ClusterRole", "kind: ServiceAccount, name: a"),
                        {"FieldValueRequired subjects[0].namespace"}},
                       {"the cluster binds its own roles",
                        BINDING("ClusterRoleBinding", "Role", "kind: User, name: jane"),
                        {"FieldValueNotSupported roleRef.kind"}},
                       {"nobody of an unknown kind",
                        BINDING("RoleBinding", "Role", "kind: Robot, name: x"),
                        {"FieldValueNotSupported subjects[0].kind"}},
                   });
  expectAll(world, std::vector<Changed>{
                       {"the role stays",
                        BINDING("RoleBinding", "Role", "kind: User, name: jane"),
                        "{roleRef: {name: other}}",
                        {"FieldValueInvalid roleRef"}},
                   });
}

TEST(PolicyAdmission, NumbersAgree) {
  AdmissionWorld world;
#define BUDGET(spec) \
  "{apiVersion: policy/v1, kind: PodDisruptionBudget, metadata: {name: b}, spec: {selector: {}, " spec "}}"
#define PRIORITY(name, rest) \
  "{apiVersion: scheduling.k8s.io/v1, kind: PriorityClass, metadata: {name: " name "}, " rest "}"
  world.has(PRIORITY("usual", "value: 1, globalDefault: true"));
  expectAll(world,
            std::vector<Refused>{
                {"a budget says one thing", BUDGET("minAvailable: 1, maxUnavailable: 1"), {"FieldValueInvalid spec"}},
                {"of at most all", BUDGET("minAvailable: 101%"), {"FieldValueInvalid spec.minAvailable"}},
                {"the prefix of the system is the system's",
                 PRIORITY("system-x", "value: 1"),
                 {"FieldValueForbidden metadata.name"}},
                {"whose classes are above all others", PRIORITY("system-node-critical", "value: 2000001000"), {}},
                {"as no other is", PRIORITY("x", "value: 2000000000"), {"FieldValueForbidden value"}},
                {"there is one default", PRIORITY("x", "value: 1, globalDefault: true"), {"403 Forbidden"}},
                {"an autoscaler has room",
                 "{apiVersion: autoscaling/v2, kind: HorizontalPodAutoscaler, metadata: {name: h},"
                 " spec: {scaleTargetRef: {kind: Deployment, name: d}, minReplicas: 3, maxReplicas: 2}}",
                 {"FieldValueInvalid spec.maxReplicas"}},
            });
}

#define AUTOSCALER(spec)                                                                    \
  "{apiVersion: autoscaling/v2, kind: HorizontalPodAutoscaler, metadata: {name: h}, spec: " \
  "{scaleTargetRef: {kind: Deployment, name: d}, maxReplicas: 5" spec "}}"

TEST(AutoscalerAdmission, SaysHowFastItIs) {
  AdmissionWorld world;
  expectAll(world,
            std::vector<FilledIn>{
                {"nothing is said: nothing is filled in", AUTOSCALER(""), "spec.behavior", ""},
                {"up, twice as many or four more", AUTOSCALER(", behavior: {}"), "spec.behavior.scaleUp",
                 "{stabilizationWindowSeconds: 0, selectPolicy: Max, policies: [{type: Pods, value: 4, periodSeconds: "
                 "15}, {type: Percent, value: 100, periodSeconds: 15}]}"},
                {"down, all", AUTOSCALER(", behavior: {scaleUp: {selectPolicy: Min}}"), "spec.behavior.scaleDown",
                 "{selectPolicy: Max, policies: [{type: Percent, value: 100, periodSeconds: 15}]}"},
                {"what is said stays", AUTOSCALER(", behavior: {scaleUp: {selectPolicy: Min}}"),
                 "spec.behavior.scaleUp.selectPolicy", "Min"},
            });
  expectAll(world, std::vector<Refused>{
                       {"a metric without its source",
                        AUTOSCALER(", metrics: [{type: Resource}]"),
                        {"FieldValueRequired spec.metrics[0].resource"}},
                       {"a source of another type",
                        AUTOSCALER(", metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, "
                                   "averageUtilization: 5}}, pods: {metric: {name: x}, target: {type: Value}}}]"),
                        {"FieldValueForbidden spec.metrics[0].pods"}},
                       {"a target of nothing",
                        AUTOSCALER(", metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization}}}]"),
                        {"FieldValueRequired spec.metrics[0].resource.target.averageUtilization"}},
                       {"two targets",
                        AUTOSCALER(", metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, "
                                   "averageUtilization: 5, averageValue: '1'}}}]"),
                        {"FieldValueForbidden spec.metrics[0].resource.target.averageValue"}},
                       {"less than no tolerance",
                        AUTOSCALER(", behavior: {scaleDown: {tolerance: '-1'}}"),
                        {"FieldValueInvalid spec.behavior.scaleDown.tolerance"}},
                   });
}

TEST(NodeAdmission, ANewNodeTakesNoPods) {
  AdmissionWorld world;
  const char* node = "{apiVersion: v1, kind: Node, metadata: {name: n}, spec: {podCIDR: 10.0.0.0/24}}";
  expectAll(world,
            std::vector<FilledIn>{
                {"until it is ready", node, "spec.taints", "[{key: node.kubernetes.io/not-ready, effect: NoSchedule}]"},
                {"its addresses stand in a list too", node, "spec.podCIDRs", "[10.0.0.0/24]"},
            });
  expectAll(world,
            std::vector<Changed>{
                {"its addresses stay", node, "{spec: {podCIDR: 10.0.1.0/24}}", {"FieldValueForbidden spec.podCIDR"}},
            });
  auto status = world.update(node, "{status: {capacity: {cpu: '2'}}}", "status");
  EXPECT_EQ(json::getString(status.object, "status.allocatable.cpu"), "2");
}

TEST(StorageAdmission, AClaimSaysHowMuchAndHow) {
  AdmissionWorld world;
#define CLAIM(spec) "{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: c}, spec: {" spec "}}"
#define GOOD "accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}"
  world.has(
      "{apiVersion: storage.k8s.io/v1, kind: StorageClass, provisioner: example.com/x, metadata: {name: usual,"
      " annotations: {storageclass.kubernetes.io/is-default-class: 'true'}}}");
  expectAll(world, std::vector<FilledIn>{
                       {"the default class", CLAIM(GOOD), "spec.storageClassName", "usual"},
                       {"the class it names", CLAIM(GOOD ", storageClassName: x"), "spec.storageClassName", "x"},
                   });
  expectAll(world, std::vector<Refused>{
                       {"an unknown mode and no size",
                        CLAIM("accessModes: [Sometimes]"),
                        {"FieldValueNotSupported spec.accessModes", "FieldValueRequired spec.resources[storage]"}},
                   });
  expectAll(world,
            std::vector<Changed>{
                {"the mode stays", CLAIM(GOOD), "{spec: {accessModes: [ReadWriteMany]}}", {"FieldValueForbidden spec"}},
                {"the volume is bound later", CLAIM(GOOD), "{spec: {volumeName: v}}", {}},
            });
}

TEST(StorageAdmission, AClaimGrowsWhereItsClassLetsIt) {
  AdmissionWorld world;
#define BOUND(class)                                                                \
  "{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: c}, spec: {" GOOD \
  ", storageClassName: " class "}, status: {phase: Bound, capacity: {storage: 500Mi}}}"
  world.has(
      "{apiVersion: storage.k8s.io/v1, kind: StorageClass, provisioner: p, metadata: {name: grows}, "
      "allowVolumeExpansion: true}");
  world.has("{apiVersion: storage.k8s.io/v1, kind: StorageClass, provisioner: p, metadata: {name: stays}}");
  constexpr auto kMore = "{spec: {resources: {requests: {storage: 2Gi}}}}";
  expectAll(world, std::vector<Changed>{
                       {"it may", BOUND("grows"), kMore, {}},
                       {"it may not", BOUND("stays"), kMore, {"403 Forbidden"}},
                       {"nobody knows the class", BOUND("gone"), kMore, {"403 Forbidden"}},
                       {"a growth that failed is taken back",
                        BOUND("grows"),
                        "{spec: {resources: {requests: {storage: 600Mi}}}}",
                        {}},
                       {"never to less than there is",
                        BOUND("grows"),
                        "{spec: {resources: {requests: {storage: 500Mi}}}}",
                        {"FieldValueForbidden spec.resources.requests.storage"}},
                   });
}

TEST(CertificateSigningRequestAdmission, TheServerSaysWhoAsks) {
  AdmissionWorld world;
#define CSR(signer, request)                                                                   \
  "{apiVersion: certificates.k8s.io/v1, kind: CertificateSigningRequest, metadata: {name: c}," \
  " spec: {signerName: " signer ", request: " request ", username: mallory, usages: [client auth]}}"
  // /CN=jane/O=developers and /CN=root/O=system:masters, both whole requests
#define PEM                                                                                                            \
  "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0KTUlIZk1JR0dBZ0VBTUNReERUQUxCZ05WQkFNTUJHcGhibVV4RXpBUkJnTlZCQW9NQ2" \
  "1SbGRtVnNiM0JsY25NdwpXVEFUQmdjcWhrak9QUUlCQmdncWhrak9QUU1CQndOQ0FBVHpFU0JONDVVejZKYmVtTHV2WkZ2Z1RCQXQ5dkhNCnFUWGF0" \
  "MEoxckRBbWhpRElmeGF4T3pjNFVpWi9EbEJDR3o1V2d1UnJTU0dhcEt6UTl6SEg3YWhXb0FBd0NnWUkKS29aSXpqMEVBd0lEU0FBd1JRSWdIYWZSWG" \
  "JkemcwMGpNb0tCNTVyUVVobjZjcGt1ME5mMDE2ODhQODhaWkZjQwpJUUM0a1NDM285QThwdWJLdjRvczhtWWFrZkZSaVZSSTIwRno3T21Mb0FrY0ln" \
  "PT0KLS0tLS1FTkQgQ0VSVElGSUNBVEUgUkVRVUVTVC0tLS0tCg=="
#define MASTER                                                                                                         \
  "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0KTUlIa01JR0tBZ0VBTUNneEZ6QVZCZ05WQkFvTURuTjVjM1JsYlRwdFlYTjBaWEp6TV" \
  "Ewd0N3WURWUVFEREFSeQpiMjkwTUZrd0V3WUhLb1pJemowQ0FRWUlLb1pJemowREFRY0RRZ0FFOHhFZ1RlT1ZNK2lXM3BpN3IyUmI0RXdRCkxmYnh6" \
  "S2sxMnJkQ2Rhd3dKb1lneUg4V3NUczNPRkltZnc1UVFocytWb0xrYTBraG1xU3MwUGN4eCsyb1ZxQUEKTUFvR0NDcUdTTTQ5QkFNQ0Ewa0FNRVlDSV" \
  "FDanNML283VjJQcGlsYlluWTc5MEdJUFV0RWdWazVuSnc2R0F1MAorTzZWNndJaEFOTXRKZVp0NWtjZDZVZE5Td3hOcHV0dzY1UHNCRnVJUXVzK292" \
  "N0JsdG9mCi0tLS0tRU5EIENFUlRJRklDQVRFIFJFUVVFU1QtLS0tLQo="
  expectAll(world, std::vector<FilledIn>{{"never the request", CSR("example.com/x", PEM), "spec.username", "jane"}});
  expectAll(world,
            std::vector<Refused>{
                {"a signer of no domain", CSR("x", PEM), {"FieldValueInvalid spec.signerName"}},
                {"a request that is none", CSR("example.com/x", "YQ=="), {"FieldValueInvalid spec.request"}},
                {"a signer of former versions",
                 CSR("kubernetes.io/legacy-unknown", PEM),
                 {"FieldValueInvalid spec.signerName"}},
                {"a certificate for a master", CSR("kubernetes.io/kube-apiserver-client", MASTER), {"403 Forbidden"}},
                {"a user's certificate", CSR("kubernetes.io/kube-apiserver-client", PEM), {}},
            });
}

TEST(CertificateSigningRequestAdmission, AnAnswerStays) {
  AdmissionWorld world;
  constexpr auto kApprove = "{status: {conditions: [{type: Approved, status: 'True'}]}}";
  EXPECT_EQ(world.update(CSR("example.com/x", PEM), kApprove, "approval").causes, std::vector<std::string>{});
  EXPECT_EQ(world.update(CSR("example.com/x", PEM), kApprove, "status").causes,
            std::vector<std::string>{"FieldValueForbidden status.conditions"});
  EXPECT_EQ(world
                .update(CSR("example.com/x", PEM),
                        "{status: {conditions: [{type: Approved, status: 'True'}, {type: Denied, status: 'True'}]}}",
                        "approval")
                .causes,
            std::vector<std::string>{"FieldValueInvalid status.conditions"});
  EXPECT_EQ(
      world.update(CSR("example.com/x", PEM), "{status: {conditions: [{type: Denied, status: 'False'}]}}", "approval")
          .causes,
      std::vector<std::string>{"FieldValueNotSupported status.conditions.status"});
}

TEST(EventAdmission, StandsWithWhatItIsAbout) {
  AdmissionWorld world;
  expectAll(world,
            std::vector<Refused>{
                {"in its namespace",
                 "{apiVersion: v1, kind: Event, metadata: {name: e}, involvedObject: {kind: Pod, namespace: default}}",
                 {}},
                {"a node's in the default one",
                 "{apiVersion: v1, kind: Event, metadata: {name: e}, involvedObject: {kind: Node}}",
                 {}},
                {"not in another",
                 "{apiVersion: v1, kind: Event, metadata: {name: e}, involvedObject: {kind: Pod, namespace: other}}",
                 {"FieldValueInvalid involvedObject.namespace"}},
            });
}

}  // namespace
}  // namespace wherry::apiserver
