#include <gtest/gtest.h>

#include "json/yaml.h"
#include "schema/object_rules.h"

namespace wherry::schema {
namespace {

struct Change {
  const char* sentence;
  const char* in;
  const char* out;
};

class Defaults : public testing::TestWithParam<Change> {};

TEST_P(Defaults, AreFilledIn) {
  json::Value object = json::parseYaml(GetParam().in);
  auto groupVersion = meta::GroupVersion::parse(json::getString(object, "apiVersion"));
  std::string kindName(json::getString(object, "kind"));
  KindPtr kind = builtinRegistry()->findKind({groupVersion.group, groupVersion.version, kindName});
  ASSERT_TRUE(kind);
  applyDefaults(*kind->schema, object);
  json::Value wanted = json::parseYaml(GetParam().out);
  EXPECT_TRUE(json::equal(object, wanted)) << GetParam().sentence << "\ngot:\n"
                                           << json::renderYaml(object) << "wanted:\n"
                                           << GetParam().out;
  json::Value again = object;
  applyDefaults(*kind->schema, again);
  EXPECT_TRUE(json::equal(object, again)) << "a second time changes something";
}

INSTANTIATE_TEST_SUITE_P(Workloads, Defaults,
                         testing::Values(Change{"a pod", R"(
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: web
    image: nginx:1
    ports: [{containerPort: 80}]
    readinessProbe: {httpGet: {port: 80}, timeoutSeconds: 0}
  volumes:
  - {name: config, configMap: {name: settings}}
  - {name: host, hostPath: {path: /srv}}
  - {name: token, projected: {sources: [{serviceAccountToken: {path: token}}]}}
)",
                                                R"(
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: web
    image: nginx:1
    ports: [{containerPort: 80, protocol: TCP}]
    readinessProbe:
      httpGet: {port: 80, path: /, scheme: HTTP}
      timeoutSeconds: 1
      periodSeconds: 10
      successThreshold: 1
      failureThreshold: 3
    resources: {}
    terminationMessagePath: /dev/termination-log
    terminationMessagePolicy: File
  dnsPolicy: ClusterFirst
  enableServiceLinks: true
  restartPolicy: Always
  schedulerName: default-scheduler
  securityContext: {}
  terminationGracePeriodSeconds: 30
  volumes:
  - {name: config, configMap: {name: settings, defaultMode: 420}}
  - {name: host, hostPath: {path: /srv, type: ""}}
  - {name: token, projected: {defaultMode: 420, sources: [{serviceAccountToken: {path: token, expirationSeconds: 3600}}]}}
status: {phase: Pending}
)"},
                                         Change{"a deployment as kubectl writes it", R"(
apiVersion: apps/v1
kind: Deployment
metadata: {creationTimestamp: null, name: nginx}
spec:
  selector: {matchLabels: {app: nginx}}
  strategy: {}
  template:
    metadata: {creationTimestamp: null, labels: {app: nginx}}
    spec: {containers: [{image: nginx, name: nginx, resources: {}}]}
status: {}
)",
                                                R"(
apiVersion: apps/v1
kind: Deployment
metadata: {name: nginx}
spec:
  progressDeadlineSeconds: 600
  replicas: 1
  revisionHistoryLimit: 10
  selector: {matchLabels: {app: nginx}}
  strategy: {type: RollingUpdate}
  template:
    metadata: {labels: {app: nginx}}
    spec:
      containers:
      - {image: nginx, name: nginx, resources: {}, terminationMessagePath: /dev/termination-log, terminationMessagePolicy: File}
      dnsPolicy: ClusterFirst
      restartPolicy: Always
      schedulerName: default-scheduler
      securityContext: {}
      terminationGracePeriodSeconds: 30
status: {}
)"},
                                         Change{"a job, and no defaults of a job in a cron job", R"(
apiVersion: batch/v1
kind: CronJob
metadata: {name: nightly}
spec: {schedule: "0 3 * * *", jobTemplate: {}}
)",
                                                R"(
apiVersion: batch/v1
kind: CronJob
metadata: {name: nightly}
spec:
  schedule: "0 3 * * *"
  concurrencyPolicy: Allow
  failedJobsHistoryLimit: 1
  successfulJobsHistoryLimit: 3
  suspend: false
  jobTemplate:
    metadata: {}
    spec:
      template:
        metadata: {}
        spec:
          dnsPolicy: ClusterFirst
          restartPolicy: Always
          schedulerName: default-scheduler
          securityContext: {}
          terminationGracePeriodSeconds: 30
status: {}
)"}));

INSTANTIATE_TEST_SUITE_P(
    Others, Defaults,
    testing::Values(
        Change{"a service", "{apiVersion: v1, kind: Service, metadata: {name: a}, spec: {ports: [{port: 80}]}}",
               "{apiVersion: v1, kind: Service, metadata: {name: a}, spec: {ports: [{port: 80, protocol: TCP}], "
               "sessionAffinity: None, type: ClusterIP}, status: {loadBalancer: {}}}"},
        Change{"a secret, whose empty type is none",
               "{apiVersion: v1, kind: Secret, metadata: {name: a}, type: '', data: {}}",
               "{apiVersion: v1, kind: Secret, metadata: {name: a}, type: Opaque}"},
        Change{"an empty list or map is none",
               "{apiVersion: v1, kind: ConfigMap, metadata: {name: a, labels: {}, finalizers: []}, data: {a: null}}",
               "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, data: {a: ''}}"},
        Change{"an empty struct is something",
               "{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: a}, spec: {ingress: [{}]}}",
               "{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: a}, spec: {podSelector: {}, "
               "ingress: [{}]}}"},
        Change{"a role without rules says so",
               "{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {name: a}}",
               "{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {name: a}, rules: null}"},
        Change{
            "a storage class",
            "{apiVersion: storage.k8s.io/v1, kind: StorageClass, metadata: {name: a}, provisioner: example.com/disk}",
            "{apiVersion: storage.k8s.io/v1, kind: StorageClass, metadata: {name: a}, provisioner: example.com/disk, "
            "reclaimPolicy: Delete, volumeBindingMode: Immediate}"},
        Change{
            "an endpoint slice",
            "{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, metadata: {name: a}, addressType: IPv4, endpoints: "
            "[{addresses: [10.0.0.1]}], ports: [{port: 80}]}",
            "{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, metadata: {name: a}, addressType: IPv4, endpoints: "
            "[{addresses: [10.0.0.1], conditions: {}}], ports: [{port: 80, protocol: TCP, name: ''}]}"},
        Change{"a webhook",
               "{apiVersion: admissionregistration.k8s.io/v1, kind: MutatingWebhookConfiguration, metadata: {name: a}, "
               "webhooks: [{name: a.example.com, sideEffects: None, admissionReviewVersions: [v1], clientConfig: "
               "{service: "
               "{name: s, namespace: n}}, rules: [{operations: [CREATE]}]}]}",
               "{apiVersion: admissionregistration.k8s.io/v1, kind: MutatingWebhookConfiguration, metadata: {name: a}, "
               "webhooks: [{name: a.example.com, sideEffects: None, admissionReviewVersions: [v1], clientConfig: "
               "{service: "
               "{name: s, namespace: n, port: 443}}, rules: [{operations: [CREATE], scope: '*'}], failurePolicy: Fail, "
               "matchPolicy: Equivalent, namespaceSelector: {}, objectSelector: {}, reinvocationPolicy: Never, "
               "timeoutSeconds: 10}]}"}));

}  // namespace
}  // namespace wherry::schema
