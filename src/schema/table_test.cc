#include "schema/table.h"

#include <gtest/gtest.h>

#include "json/yaml.h"
#include "meta/time.h"
#include "schema/table_cells.h"

namespace wherry::schema {
namespace {

json::Value tableOf(const Kind& kind, const json::Value& object, IncludeObject include = IncludeObject::kNone) {
  const json::Value* objects[] = {&object};
  return renderTable(kind, objects, {{"resourceVersion", "7"}}, include, "v1", *meta::parseTime("2026-01-02T03:04:05Z"),
                     TableHeaders::kYes);
}

struct Case {
  const char* name;
  const char* resource;  // "pods", "deployments.apps", of the preferred version
  const char* object;
  const char* cells;
};

KindPtr kindOf(std::string_view resource) {
  for (const KindPtr& kind : builtinRegistry()->kinds()) {
    if (kind->resource.groupResource().text() == resource) return kind;
  }
  return nullptr;
}

class TableCellsTest : public testing::TestWithParam<Case> {};

TEST_P(TableCellsTest, showsWhatKubectlShows) {
  KindPtr kind = kindOf(GetParam().resource);
  ASSERT_NE(kind, nullptr) << GetParam().resource;
  json::Value object = json::parseYaml(GetParam().object);
  object.as_object()["kind"] = kind->resource.kind;
  json::Value expected = json::parseYaml(GetParam().cells);
  EXPECT_EQ(json::serialize(tableOf(*kind, object).at("rows").at(0).at("cells")), json::serialize(expected))
      << GetParam().name;
}

INSTANTIATE_TEST_SUITE_P(
    Pods, TableCellsTest,
    testing::Values(
        Case{"a pod that waits", "pods",
             "{metadata: {name: p, creationTimestamp: '2026-01-02T03:04:00Z'}, spec: {containers: [{name: c}]}, "
             "status: {phase: Pending}}",
             "[p, 0/1, Pending, '0', 5s, <none>, <none>, <none>, <none>]"},
        Case{"a pod that runs", "pods",
             "{metadata: {name: p}, spec: {nodeName: n, containers: [{name: c}]}, status: {phase: Running, podIPs: "
             "[{ip: 10.1.1.1}], "
             "containerStatuses: [{name: c, ready: true, restartCount: 1, state: {running: {}}, lastState: "
             "{terminated: {finishedAt: '2026-01-02T03:04:00Z'}}}]}}",
             "[p, 1/1, Running, 1 (5s ago), <unknown>, 10.1.1.1, n, <none>, <none>]"},
        Case{"a container that crashes again and again", "pods",
             "{metadata: {name: p}, spec: {containers: [{name: a}, {name: b}]}, status: {phase: Running, "
             "containerStatuses: "
             "[{name: a, ready: true, restartCount: 0, state: {running: {}}}, {name: b, ready: false, restartCount: 4, "
             "state: {waiting: {reason: CrashLoopBackOff}}}]}}",
             "[p, 1/2, CrashLoopBackOff, '4', <unknown>, <none>, <none>, <none>, <none>]"},
        Case{"a container that ended with a signal", "pods",
             "{metadata: {name: p}, spec: {containers: [{name: a}]}, status: {phase: Failed, containerStatuses: "
             "[{name: a, restartCount: 0, state: {terminated: {signal: 9, exitCode: 137}}}]}}",
             "[p, 0/1, 'Signal:9', '0', <unknown>, <none>, <none>, <none>, <none>]"},
        Case{"one container has completed and one runs", "pods",
             "{metadata: {name: p}, spec: {containers: [{name: a}, {name: b}]}, status: {phase: Running, "
             "containerStatuses: "
             "[{name: a, state: {terminated: {reason: Completed, exitCode: 0}}}, {name: b, ready: true, state: "
             "{running: {}}}]}}",
             "[p, 1/2, NotReady, '0', <unknown>, <none>, <none>, <none>, <none>]"},
        Case{"init containers count up", "pods",
             "{metadata: {name: p}, spec: {initContainers: [{name: i}, {name: j}], containers: [{name: a}]}, status: "
             "{phase: Pending, initContainerStatuses: "
             "[{name: i, state: {terminated: {exitCode: 0}}}, {name: j, restartCount: 2, state: {running: {}}}]}}",
             "[p, 0/1, 'Init:1/2', '2', <unknown>, <none>, <none>, <none>, <none>]"},
        Case{"an init container that fails", "pods",
             "{metadata: {name: p}, spec: {initContainers: [{name: i}], containers: [{name: a}]}, status: {phase: "
             "Pending, initContainerStatuses: [{name: i, state: {terminated: {exitCode: 3}}}]}}",
             "[p, 0/1, 'Init:ExitCode:3', '0', <unknown>, <none>, <none>, <none>, <none>]"},
        Case{"a sidecar counts as a container", "pods",
             "{metadata: {name: p}, spec: {initContainers: [{name: i, restartPolicy: Always}], containers: [{name: "
             "a}]}, status: {phase: Running, "
             "initContainerStatuses: [{name: i, started: true, ready: true, restartCount: 1, state: {running: {}}}], "
             "containerStatuses: [{name: a, ready: true, restartCount: 2, state: {running: {}}}]}}",
             "[p, 2/2, Running, '3', <unknown>, <none>, <none>, <none>, <none>]"},
        Case{"a pod that is being deleted", "pods",
             "{metadata: {name: p, deletionTimestamp: '2026-01-02T03:04:05Z'}, spec: {containers: [{name: c}]}, "
             "status: {phase: Running}}",
             "[p, 0/1, Terminating, '0', <unknown>, <none>, <none>, <none>, <none>]"},
        Case{"a gated pod with readiness gates", "pods",
             "{metadata: {name: p}, spec: {readinessGates: [{conditionType: a}, {conditionType: b}], containers: "
             "[{name: c}]}, "
             "status: {phase: Pending, conditions: [{type: PodScheduled, reason: SchedulingGated}, {type: a, status: "
             "'True'}]}}",
             "[p, 0/1, SchedulingGated, '0', <unknown>, <none>, <none>, <none>, 1/2]"}));

INSTANTIATE_TEST_SUITE_P(
    Services, TableCellsTest,
    testing::Values(
        Case{"a cluster IP", "services",
             "{metadata: {name: s}, spec: {type: ClusterIP, clusterIPs: [10.96.0.1], ports: [{port: 80, protocol: "
             "TCP}], selector: {c: d, a: b}}}",
             "[s, ClusterIP, 10.96.0.1, <none>, 80/TCP, <unknown>, 'a=b,c=d']"},
        Case{"a node port", "services",
             "{metadata: {name: s}, spec: {type: NodePort, clusterIPs: [10.96.0.1], ports: [{port: 80, nodePort: "
             "30080, protocol: TCP}, {port: 53, protocol: UDP}]}}",
             "[s, NodePort, 10.96.0.1, <none>, '80:30080/TCP,53/UDP', <unknown>, <none>]"},
        Case{"a headless one without ports", "services",
             "{metadata: {name: s}, spec: {type: ClusterIP, clusterIPs: [None]}}",
             "[s, ClusterIP, None, <none>, <none>, <unknown>, <none>]"},
        Case{"a load balancer that waits", "services",
             "{metadata: {name: s}, spec: {type: LoadBalancer, clusterIPs: [10.96.0.1]}}",
             "[s, LoadBalancer, 10.96.0.1, <pending>, <none>, <unknown>, <none>]"},
        Case{"a load balancer with addresses", "services",
             "{metadata: {name: s}, spec: {type: LoadBalancer, clusterIPs: [10.96.0.1], externalIPs: [192.0.2.9]}, "
             "status: {loadBalancer: {ingress: [{hostname: lb.example.com}, {ip: 192.0.2.1}]}}}",
             "[s, LoadBalancer, 10.96.0.1, '192.0.2.1,lb.example.com,192.0.2.9', <none>, <unknown>, <none>]"},
        Case{"an external name", "services",
             "{metadata: {name: s}, spec: {type: ExternalName, externalName: x.example.com, ports: [{port: 80, "
             "protocol: TCP}]}}",
             "[s, ExternalName, <none>, x.example.com, 80/TCP, <unknown>, <none>]"},
        Case{"endpoints beyond three", "endpoints",
             "{metadata: {name: e}, subsets: [{addresses: [{ip: 10.0.0.1}, {ip: 10.0.0.2}], ports: [{port: 80}, {port: "
             "81}]}]}",
             "[e, '10.0.0.1:80,10.0.0.2:80,10.0.0.1:81 + 1 more...', <unknown>]"},
        Case{"no endpoints", "endpoints", "{metadata: {name: e}}", "[e, <none>, <unknown>]"},
        Case{"an endpoint slice", "endpointslices.discovery.k8s.io",
             "{metadata: {name: e}, addressType: IPv4, ports: [{port: 80}, {name: x}], endpoints: [{addresses: "
             "[10.0.0.1]}]}",
             "[e, IPv4, '80,x', 10.0.0.1, <unknown>]"},
        Case{"an empty endpoint slice", "endpointslices.discovery.k8s.io", "{metadata: {name: e}, addressType: IPv4}",
             "[e, IPv4, <unset>, <unset>, <unknown>]"},
        Case{"an ingress", "ingresses.networking.k8s.io",
             "{metadata: {name: i}, spec: {ingressClassName: x, rules: [{host: a.example.com}, {host: b.example.com}], "
             "tls: [{}]}, status: {loadBalancer: {ingress: [{ip: 192.0.2.1}]}}}",
             "[i, x, 'a.example.com,b.example.com', 192.0.2.1, '80, 443', <unknown>]"},
        Case{"an ingress for all hosts", "ingresses.networking.k8s.io", "{metadata: {name: i}, spec: {rules: [{}]}}",
             "[i, <none>, '*', '', '80', <unknown>]"},
        Case{"a network policy for all pods", "networkpolicies.networking.k8s.io",
             "{metadata: {name: n}, spec: {podSelector: {}}}", "[n, <none>, <unknown>]"}));

INSTANTIATE_TEST_SUITE_P(
    Workloads, TableCellsTest,
    testing::Values(
        Case{"a deployment", "deployments.apps",
             "{metadata: {name: d}, spec: {replicas: 3, selector: {matchLabels: {app: d}}, template: {spec: "
             "{containers: [{name: a, image: x}, {name: b, image: y}]}}}, "
             "status: {readyReplicas: 1, updatedReplicas: 2, availableReplicas: 1}}",
             "[d, 1/3, 2, 1, <unknown>, 'a,b', 'x,y', app=d]"},
        Case{"a replica set that has no status yet", "replicasets.apps",
             "{metadata: {name: r}, spec: {replicas: 2, selector: {matchLabels: {app: d}}}}",
             "[r, 2, 0, 0, <unknown>, '', '', app=d]"},
        Case{"a replication controller's selector is a map", "replicationcontrollers",
             "{metadata: {name: r}, spec: {replicas: 1, selector: {app: d}}}",
             "[r, 1, 0, 0, <unknown>, '', '', app=d]"},
        Case{"a daemon set", "daemonsets.apps",
             "{metadata: {name: d}, spec: {selector: {}, template: {spec: {nodeSelector: {a: b}}}}, status: "
             "{desiredNumberScheduled: 2, currentNumberScheduled: 2, numberReady: 1, updatedNumberScheduled: 2, "
             "numberAvailable: 1}}",
             "[d, 2, 2, 1, 2, 1, a=b, <unknown>, '', '', <none>]"},
        Case{"a stateful set", "statefulsets.apps",
             "{metadata: {name: s}, spec: {replicas: 2}, status: {readyReplicas: 2}}", "[s, 2/2, <unknown>, '', '']"},
        Case{"a job that has completed", "jobs.batch",
             "{metadata: {name: j}, spec: {completions: 2}, status: {succeeded: 2, conditions: [{type: Complete, "
             "status: 'True'}], startTime: '2026-01-02T03:00:00Z', completionTime: '2026-01-02T03:00:30Z'}}",
             "[j, Complete, 2/2, 30s, <unknown>, '', '', <none>]"},
        Case{"a job with parallel pods that runs", "jobs.batch",
             "{metadata: {name: j}, spec: {parallelism: 3}, status: {succeeded: 1, startTime: '2026-01-02T03:04:00Z'}}",
             "[j, Running, 1/1 of 3, 5s, <unknown>, '', '', <none>]"},
        Case{"a cron job", "cronjobs.batch",
             "{metadata: {name: c}, spec: {schedule: '* * * * *', suspend: false}, status: {active: [{}], "
             "lastScheduleTime: '2026-01-02T03:04:00Z'}}",
             "[c, '* * * * *', <none>, 'False', 1, 5s, <unknown>, '', '', <none>]"},
        Case{"an autoscaler", "horizontalpodautoscalers.autoscaling",
             "{apiVersion: autoscaling/v2, metadata: {name: h}, spec: {scaleTargetRef: {kind: Deployment, name: d}, "
             "maxReplicas: 5, metrics: "
             "[{type: Resource, resource: {name: cpu, target: {averageUtilization: 80}}}, {type: Pods, pods: {target: "
             "{averageValue: 10}}}, {type: Pods}]}, "
             "status: {currentMetrics: [{type: Resource, resource: {name: cpu, current: {averageUtilization: 20}}}]}}",
             "[h, Deployment/d, 'cpu: 20%/80%, <unknown>/ + 1 more...', <unset>, 5, 0, <unknown>]"},
        Case{"a disruption budget", "poddisruptionbudgets.policy",
             "{metadata: {name: b}, spec: {minAvailable: 50%}, status: {disruptionsAllowed: 1}}",
             "[b, 50%, N/A, 1, <unknown>]"},
        Case{"a controller's revision", "controllerrevisions.apps",
             "{metadata: {name: r, ownerReferences: [{apiVersion: apps/v1, kind: StatefulSet, name: w, controller: "
             "true}]}, revision: 3}",
             "[r, statefulset.apps/w, 3, <unknown>]"}));

INSTANTIATE_TEST_SUITE_P(
    Others, TableCellsTest,
    testing::Values(
        Case{"a config map counts texts and bytes", "configmaps",
             "{metadata: {name: c}, data: {a: x}, binaryData: {b: eA==}}", "[c, 2, <unknown>]"},
        Case{"a secret", "secrets", "{metadata: {name: s}, type: Opaque}", "[s, Opaque, 0, <unknown>]"},
        Case{"a node", "nodes",
             "{metadata: {name: n, labels: {node-role.kubernetes.io/worker: '', node-role.kubernetes.io/control-plane: "
             "''}}, spec: {unschedulable: true}, "
             "status: {conditions: [{type: Ready, status: 'True'}], addresses: [{type: InternalIP, address: "
             "192.0.2.1}], nodeInfo: {kubeletVersion: v1.36.0, osImage: Debian}}}",
             "[n, 'Ready,SchedulingDisabled', 'control-plane,worker', <unknown>, v1.36.0, 192.0.2.1, <none>, Debian, "
             "<unknown>, <unknown>]"},
        Case{"a node that nobody has heard of", "nodes", "{metadata: {name: n}}",
             "[n, Unknown, <none>, <unknown>, '', <none>, <none>, <unknown>, <unknown>, <unknown>]"},
        Case{"an event", "events",
             "{metadata: {name: e}, involvedObject: {kind: Pod, name: p}, reason: R, message: ' m ', type: Normal, "
             "firstTimestamp: '2026-01-02T03:03:00Z', lastTimestamp: '2026-01-02T03:04:00Z', count: 3, source: "
             "{component: kubelet, host: n}}",
             "[5s, Normal, R, pod/p, '', 'kubelet, n', m, 65s, 3, e]"},
        Case{"an event of the new kind", "events.events.k8s.io",
             "{metadata: {name: e}, regarding: {kind: Pod, name: p}, reason: R, note: m, type: Normal, eventTime: "
             "'2026-01-02T03:04:00.000000Z', reportingController: c}",
             "[5s, Normal, R, pod/p, '', c, m, 5s, 1, e]"},
        Case{"a volume", "persistentvolumes",
             "{metadata: {name: v}, spec: {capacity: {storage: 1Gi}, accessModes: [ReadWriteMany, ReadWriteOnce], "
             "persistentVolumeReclaimPolicy: Retain, storageClassName: c, claimRef: {namespace: ns, name: n}, "
             "volumeMode: Filesystem}, status: {phase: Bound}}",
             "[v, 1Gi, 'RWO,RWX', Retain, Bound, ns/n, c, <unset>, '', <unknown>, Filesystem]"},
        Case{"a claim that is not bound", "persistentvolumeclaims",
             "{metadata: {name: c}, spec: {accessModes: [ReadWriteOnce]}, status: {phase: Pending}}",
             "[c, Pending, '', '', '', '', <unset>, <unknown>, <unset>]"},
        Case{"the default storage class", "storageclasses.storage.k8s.io",
             "{metadata: {name: c, annotations: {storageclass.kubernetes.io/is-default-class: 'true'}}, provisioner: "
             "p, reclaimPolicy: Delete, volumeBindingMode: Immediate}",
             "[c (default), p, Delete, Immediate, false, <unknown>]"},
        Case{"a quota", "resourcequotas",
             "{metadata: {name: q}, status: {hard: {pods: '10', limits.cpu: '2', cpu: '1'}, used: {pods: '3'}}}",
             "[q, 'cpu: 0/1, pods: 3/10', 'limits.cpu: 0/2', <unknown>]"},
        Case{"a role binding", "rolebindings.rbac.authorization.k8s.io",
             "{metadata: {name: b}, roleRef: {kind: Role, name: r}, subjects: [{kind: User, name: u}, {kind: "
             "ServiceAccount, namespace: ns, name: sa}]}",
             "[b, Role/r, <unknown>, u, '', ns/sa]"},
        Case{"a role says when it was made", "roles.rbac.authorization.k8s.io",
             "{metadata: {name: r, creationTimestamp: '2026-01-02T03:04:00Z'}}", "[r, '2026-01-02T03:04:00Z']"},
        Case{"a certificate request", "certificatesigningrequests.certificates.k8s.io",
             "{metadata: {name: c}, spec: {signerName: s, username: u, expirationSeconds: 3600}, status: {conditions: "
             "[{type: Approved}], certificate: eA==}}",
             "[c, <unknown>, s, u, 60m, 'Approved,Issued']"}));

TEST(TableTest, everyColumnHasItsFunction) {
  for (const KindPtr& kind : builtinRegistry()->kinds()) {
    for (const Column& column : kind->columns) {
      if (column.hook.empty()) continue;
      EXPECT_NE(findCell(column.hook), nullptr) << kind->resource.kind << ": " << column.hook;
    }
  }
}

TEST(TableTest, carriesWhatWasAskedFor) {
  KindPtr kind = kindOf("configmaps");
  json::Value object = json::parseYaml("{kind: ConfigMap, apiVersion: v1, metadata: {name: a}, data: {a: '1'}}");
  EXPECT_TRUE(tableOf(*kind, object).at("rows").at(0).at("object").is_null());
  EXPECT_EQ(json::serialize(tableOf(*kind, object, IncludeObject::kMetadata).at("rows").at(0).at("object")),
            R"({"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/v1","metadata":{"name":"a"}})");
  EXPECT_EQ(tableOf(*kind, object, IncludeObject::kObject).at("rows").at(0).at("object"), object);
}

TEST(TableTest, hasHeadersOnce) {
  KindPtr kind = kindOf("configmaps");
  json::Value table =
      renderTable(*kind, {}, {{"resourceVersion", "7"}}, IncludeObject::kNone, "v1beta1", {}, TableHeaders::kNo);
  EXPECT_EQ(
      json::serialize(table),
      R"({"kind":"Table","apiVersion":"meta.k8s.io/v1beta1","metadata":{"resourceVersion":"7"},"columnDefinitions":null,"rows":[]})");
  json::Value headers = tableOf(*kind, json::parseYaml("{metadata: {name: a}}")).at("columnDefinitions");
  EXPECT_EQ(json::getString(headers, "0.format"), "name");
  EXPECT_EQ(json::getString(headers, "1.name"), "Data");
}

TEST(TableTest, marksPodsThatHaveEnded) {
  json::Value pod = json::parseYaml("{metadata: {name: p}, status: {phase: Succeeded}}");
  EXPECT_EQ(json::getString(tableOf(*kindOf("pods"), pod), "rows.0.conditions.0.reason"), "Succeeded");
}

TEST(TableTest, customColumnsHaveTypes) {
  Kind kind;
  kind.custom = true;
  auto schema = std::make_shared<Node>();
  kind.schema = schema;
  kind.columns = {
      {"Text", "string", "", "", 0, ".spec.number", ""},    {"Map", "string", "", "", 0, ".spec.map", ""},
      {"Number", "integer", "", "", 0, ".spec.number", ""}, {"Wrong", "integer", "", "", 0, ".spec.text", ""},
      {"Date", "date", "", "", 0, ".spec.date", ""},        {"Bad date", "date", "", "", 0, ".spec.text", ""},
      {"Missing", "string", "", "", 0, ".spec.missing", ""}};
  json::Value object = json::parseYaml("{spec: {number: 3, map: {a: b}, text: x, date: '2026-01-02T03:04:00Z'}}");
  EXPECT_EQ(json::serialize(tableOf(kind, object).at("rows").at(0).at("cells")),
            R"(["3","{\"a\":\"b\"}",3,null,"5s","<invalid>",null])");
}

}  // namespace
}  // namespace wherry::schema
