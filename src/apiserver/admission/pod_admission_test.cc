#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "apiserver/admission/admission_world.h"

namespace wherry::apiserver {
namespace {

#define POD(spec) "{apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {" spec "}}"
#define CONTAINER(more) POD("containers: [{name: c, image: 'i:1', " more "}]")
#define VOLUME(more)                                                                       \
  POD("containers: [{name: c, image: 'i:1', volumeMounts: [{name: v, mountPath: /v, " more \
      "}]}], volumes: [{name: "                                                            \
      "v}]")

TEST(PodAdmission, FillsInWhatAPodLeavesOut) {
  AdmissionWorld world;
  world.has("{apiVersion: scheduling.k8s.io/v1, kind: PriorityClass, metadata: {name: high}, value: 1000}");
  expectAll(
      world,
      std::vector<FilledIn>{
          {"an image of a moving tag is pulled always", POD("containers: [{name: c, image: 'i:latest'}]"),
           "spec.containers.0.imagePullPolicy", "Always"},
          {"an image of a fixed tag is pulled once", CONTAINER(""), "spec.containers.0.imagePullPolicy",
           "IfNotPresent"},
          {"what is limited is requested", CONTAINER("resources: {limits: {cpu: '1'}}"),
           "spec.containers.0.resources.requests", "{cpu: '1'}"},
          {"the node's loss is borne for five minutes", CONTAINER(""), "spec.tolerations",
           "[{key: node.kubernetes.io/not-ready, operator: Exists, effect: NoExecute, tolerationSeconds: 300},"
           " {key: node.kubernetes.io/unreachable, operator: Exists, effect: NoExecute, tolerationSeconds: 300}]"},
          {"a priority comes from its class", POD("priorityClassName: high, containers: [{name: c, image: i}]"),
           "spec.priority", "1000"},
          {"ports of the node's network are the node's ports",
           POD("hostNetwork: true, containers: [{name: c, image: i, ports: [{containerPort: 80}]}]"),
           "spec.containers.0.ports.0.hostPort", "80"},
          {"its class of service follows from its resources", CONTAINER("resources: {limits: {cpu: '1', memory: 1Gi}}"),
           "status.qosClass", "Guaranteed"},
      });
}

TEST(PodAdmission, SaysEachMistakeOnce) {
  AdmissionWorld world;
  expectAll(
      world,
      std::vector<Refused>{
          {"an image is required", POD("containers: [{name: c}]"), {"FieldValueRequired spec.containers[0].image"}},
          {"containers are required", POD("containers: []"), {"FieldValueRequired spec.containers"}},
          {"ports lie between 1 and 65535",
           CONTAINER("ports: [{containerPort: 70000}, {containerPort: 0}]"),
           {"FieldValueInvalid spec.containers[0].ports[0].containerPort",
            "FieldValueRequired spec.containers[0].ports[1].containerPort"}},
          {"a deadline is at least a second",
           POD("activeDeadlineSeconds: 0, containers: [{name: c, image: i}]"),
           {"FieldValueInvalid spec.activeDeadlineSeconds"}},
          {"an environment variable has a name, and one source that exists",
           CONTAINER(
               "env: [{name: '', value: x}, {name: a, value: x, valueFrom: {fieldRef: {fieldPath: metadata.nope}}}]"),
           {"FieldValueRequired spec.containers[0].env[0].name",
            "FieldValueInvalid spec.containers[0].env[1].valueFrom.fieldRef.fieldPath",
            "FieldValueInvalid spec.containers[0].env[1].valueFrom"}},
          {"a mount needs its volume",
           CONTAINER("volumeMounts: [{name: v, mountPath: /v}]"),
           {"FieldValueNotFound spec.containers[0].volumeMounts[0].name"}},
          {"a mount is of one part of its volume, inside it",
           VOLUME("subPath: ../x"),
           {"FieldValueInvalid spec.containers[0].volumeMounts[0].subPath"}},
          {"so is one that is named by variables",
           VOLUME("subPath: a, subPathExpr: /$(B)"),
           {"FieldValueInvalid spec.containers[0].volumeMounts[0].subPathExpr",
            "FieldValueInvalid spec.containers[0].volumeMounts[0].subPathExpr"}},
          {"mounts get out of privileged containers alone",
           VOLUME("mountPropagation: Bidirectional"),
           {"FieldValueForbidden spec.containers[0].volumeMounts[0].mountPropagation"}},
          {"what is read-only recursively is read-only, and alone",
           VOLUME("recursiveReadOnly: Enabled, mountPropagation: HostToContainer"),
           {"FieldValueForbidden spec.containers[0].volumeMounts[0].recursiveReadOnly",
            "FieldValueForbidden spec.containers[0].volumeMounts[0].recursiveReadOnly"}},
          {"there are three ways to be that",
           VOLUME("recursiveReadOnly: Maybe, readOnly: true"),
           {"FieldValueNotSupported spec.containers[0].volumeMounts[0].recursiveReadOnly"}},
          {"a request is within its limit",
           CONTAINER("resources: {requests: {cpu: '2'}, limits: {cpu: '1'}}"),
           {"FieldValueInvalid spec.containers[0].resources.requests"}},
          {"a probe has one way to ask",
           CONTAINER("livenessProbe: {httpGet: {port: 80}, tcpSocket: {port: 80}}"),
           {"FieldValueForbidden spec.containers[0].livenessProbe.tcpSocket"}},
          {"a service account must exist",
           POD("serviceAccountName: ghost, containers: [{name: c, image: i}]"),
           {"403 Forbidden"}},
          {"a priority class must exist",
           POD("priorityClassName: ghost, containers: [{name: c, image: i}]"),
           {"403 Forbidden"}},
      });
}

TEST(PodAdmission, ChecksHowContainersAreWatchedAndEnded) {
  AdmissionWorld world;
  expectAll(
      world,
      std::vector<Refused>{
          {"an init container has no probes",
           POD("initContainers: [{name: a, image: i, livenessProbe: {tcpSocket: {port: 1}}}], containers: [{name: c, "
               "image: i}]"),
           {"FieldValueForbidden spec.initContainers[0].livenessProbe"}},
          {"a sidecar has",
           POD("initContainers: [{name: a, image: i, restartPolicy: Always, livenessProbe: {tcpSocket: {port: 1}}}], "
               "containers: [{name: c, image: i}]"),
           {}},
          {"a hook has one way to act",
           CONTAINER("lifecycle: {postStart: {}, preStop: {sleep: {seconds: 1}, exec: {command: [x]}}}"),
           {"FieldValueRequired spec.containers[0].lifecycle.postStart",
            "FieldValueForbidden spec.containers[0].lifecycle.preStop.sleep"}},
          {"it sleeps no longer than the pod may take to end",
           CONTAINER("lifecycle: {preStop: {sleep: {seconds: 31}}}"),
           {"FieldValueInvalid spec.containers[0].lifecycle.preStop.sleep"}},
          {"zero seconds are fine", CONTAINER("lifecycle: {preStop: {sleep: {seconds: 0}}}"), {}},
          {"a command is a command",
           CONTAINER("livenessProbe: {exec: {command: []}}"),
           {"FieldValueRequired spec.containers[0].livenessProbe.exec.command"}},
          {"a port is a number or a name",
           CONTAINER("livenessProbe: {tcpSocket: {port: 0}}, readinessProbe: {httpGet: {port: 'no such!'}}"),
           {"FieldValueInvalid spec.containers[0].livenessProbe.tcpSocket.port",
            "FieldValueInvalid spec.containers[0].readinessProbe.httpGet.port"}},
          {"a header has a name",
           CONTAINER("readinessProbe: {httpGet: {port: 1, httpHeaders: [{name: 'a b', value: c}]}}"),
           {"FieldValueInvalid spec.containers[0].readinessProbe.httpGet.httpHeaders"}},
          {"readiness ends nobody",
           CONTAINER("readinessProbe: {tcpSocket: {port: 1}, terminationGracePeriodSeconds: 5}"),
           {"FieldValueInvalid spec.containers[0].readinessProbe.terminationGracePeriodSeconds"}},
          {"a stop signal depends on the system",
           CONTAINER("lifecycle: {stopSignal: SIGUSR1}"),
           {"FieldValueForbidden spec.containers[0].lifecycle.stopSignal"}},
          {"rules stand beside a policy",
           CONTAINER("restartPolicyRules: [{action: Restart, exitCodes: {operator: In, values: [1]}}]"),
           {"FieldValueRequired spec.containers[0].restartPolicy"}},
          {"and say what they are about",
           CONTAINER("restartPolicy: Never, restartPolicyRules: [{action: Jump}]"),
           {"FieldValueNotSupported spec.containers[0].restartPolicyRules[0].action",
            "FieldValueRequired spec.containers[0].restartPolicyRules[0].exitCodes"}},
      });
}

TEST(PodAdmission, ChecksWhatIsAskedOfTheNode) {
  AdmissionWorld world;
  expectAll(world,
            std::vector<Refused>{
                {"processes are the pod's or the node's",
                 POD("shareProcessNamespace: true, hostPID: true, containers: [{name: c, image: i}]"),
                 {"FieldValueInvalid spec.securityContext.shareProcessNamespace"}},
                {"own users and the node's network do not go together",
                 POD("hostUsers: false, hostNetwork: true, containers: [{name: c, image: i}]"),
                 {"FieldValueForbidden spec.hostNetwork"}},
                {"kernel settings have names",
                 POD("securityContext: {sysctls: [{name: '../x', value: a}, {name: net.a, value: b}, {name: net.a, "
                     "value: c}]}, containers: [{name: c, image: i}]"),
                 {"FieldValueInvalid spec.securityContext.sysctls[0].name",
                  "FieldValueDuplicate spec.securityContext.sysctls[2].name"}},
                {"a local profile is a file below the node's",
                 CONTAINER("securityContext: {seccompProfile: {type: Localhost, localhostProfile: ../x}}"),
                 {"FieldValueInvalid spec.containers[0].securityContext.seccompProfile.localhostProfile"}},
                {"and must be named",
                 POD("securityContext: {seccompProfile: {type: Localhost}}, containers: [{name: c, image: i}]"),
                 {"FieldValueRequired spec.securityContext.seccompProfile.localhostProfile"}},
                {"others have none",
                 CONTAINER("securityContext: {seccompProfile: {type: Unconfined, localhostProfile: x}}"),
                 {"FieldValueInvalid spec.containers[0].securityContext.seccompProfile.localhostProfile"}},
                {"who has all rights gains none",
                 CONTAINER("securityContext: {privileged: true, allowPrivilegeEscalation: false}"),
                 {"FieldValueInvalid spec.containers[0].securityContext"}},
                {"the kernel is masked from the node's users",
                 CONTAINER("securityContext: {procMount: Unmasked}"),
                 {"FieldValueInvalid spec.containers[0].securityContext.procMount"}},
            });
}

TEST(PodAdmission, LetsLittleOfAPodChange) {
  AdmissionWorld world;
  const char* pod = POD("tolerations: [{key: a, operator: Exists}], containers: [{name: c, image: 'i:1'}]");
  expectAll(world, std::vector<Changed>{
                       {"the image may change",
                        pod,
                        "{spec: {containers: [{name: c, image: 'i:2', imagePullPolicy: IfNotPresent,"
                        " terminationMessagePath: /dev/termination-log, terminationMessagePolicy: File,"
                        " resources: {}}]}}",
                        {}},
                       {"the host name may not", pod, "{spec: {hostname: h}}", {"FieldValueForbidden spec"}},
                       {"tolerations are only added",
                        pod,
                        "{spec: {tolerations: [{key: b, operator: Exists}]}}",
                        {"FieldValueForbidden spec.tolerations"}},
                       {"a deadline may be set later", pod, "{spec: {activeDeadlineSeconds: 5}}", {}},
                       {"gates are not added later",
                        pod,
                        "{spec: {schedulingGates: [{name: example.com/g}]}}",
                        {"FieldValueForbidden spec.schedulingGates[0].name"}},
                   });
}

#define GATED(more) POD("schedulingGates: [{name: example.com/g}], containers: [{name: c, image: 'i:1'}]" more)
#define NODE_TERMS(terms) \
  "affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: " terms "}}}"

TEST(PodAdmission, AGatedPodSaysSoAndChoosesItsNodesMoreNarrowly) {
  AdmissionWorld world;
  expectAll(world,
            std::vector<FilledIn>{{"it is not to be scheduled", GATED(""), "status.conditions",
                                   "[{type: PodScheduled, status: 'False', lastProbeTime: null, lastTransitionTime: "
                                   "null, reason: SchedulingGated, "
                                   "message: Scheduling is blocked due to non-empty scheduling gates}]"},
                                  {"without gates nothing is said yet", CONTAINER(""), "status.conditions", ""}});
  expectAll(world,
            std::vector<Refused>{{"it has no node", GATED(", nodeName: n"), {"FieldValueForbidden spec.nodeName"}}});
  expectAll(
      world,
      std::vector<Changed>{
          {"its gates are opened", GATED(""), "{spec: {schedulingGates: null}}", {}},
          {"a selector is added", GATED(", nodeSelector: {a: b}"), "{spec: {nodeSelector: {c: d}}}", {}},
          {"... not changed",
           GATED(", nodeSelector: {a: b}"),
           "{spec: {nodeSelector: {a: c}}}",
           {"FieldValueInvalid spec.nodeSelector"}},
          {"... and only while it is gated",
           CONTAINER(""),
           "{spec: {nodeSelector: {c: d}}}",
           {"FieldValueForbidden spec"}},
          {"an affinity to nodes where there was none",
           GATED(""),
           "{spec: {" NODE_TERMS("[{matchExpressions: [{key: a, operator: Exists}]}]") "}}",
           {}},
          {"a term with one more requirement",
           GATED(", " NODE_TERMS("[{matchExpressions: [{key: a, operator: Exists}]}]")),
           "{spec: {" NODE_TERMS("[{matchExpressions: [{key: a, operator: Exists}, {key: b, operator: Exists}]}]") "}}",
           {}},
          {"... not with another",
           GATED(", " NODE_TERMS("[{matchExpressions: [{key: a, operator: Exists}]}]")),
           "{spec: {" NODE_TERMS("[{matchExpressions: [{key: b, operator: Exists}]}]") "}}",
           {"FieldValueInvalid "
            "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0]"}},
          {"not one more term, which would allow more",
           GATED(", " NODE_TERMS("[{matchExpressions: [{key: a, operator: Exists}]}]")),
           "{spec: {" NODE_TERMS("[{matchExpressions: [{key: a, operator: Exists}]}, {matchExpressions: [{key: b, "
                                 "operator: Exists}]}]") "}}",
           {"FieldValueInvalid "
            "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms"}},
          {"other pods are chosen once",
           GATED(""),
           "{spec: {affinity: {podAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{topologyKey: z}]}}}}",
           {"FieldValueForbidden spec"}},
      });
}

TEST(PodAdmission, LabelKeysBecomePartOfTheSelectorBesideThem) {
  AdmissionWorld world;
#define LABELLED(more)                                                                                            \
  "{apiVersion: v1, kind: Pod, metadata: {name: p, labels: {hash: h, tenant: t}}, spec: {containers: [{name: c, " \
  "image: i}], " more "}}"
  expectAll(
      world,
      std::vector<FilledIn>{
          {"of affinity terms",
           LABELLED(
               "affinity: {podAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{topologyKey: zone, "
               "labelSelector: {matchLabels: {a: b}}, matchLabelKeys: [hash, none], mismatchLabelKeys: [tenant]}]}}"),
           "spec.affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution.0.labelSelector",
           "{matchLabels: {a: b}, matchExpressions: [{key: hash, operator: In, values: [h]}, {key: tenant, operator: "
           "NotIn, values: [t]}]}"},
          {"of preferred ones",
           LABELLED("affinity: {podAntiAffinity: {preferredDuringSchedulingIgnoredDuringExecution: [{weight: 1, "
                    "podAffinityTerm: {topologyKey: zone, labelSelector: {}, matchLabelKeys: [hash]}}]}}"),
           "spec.affinity.podAntiAffinity.preferredDuringSchedulingIgnoredDuringExecution.0.podAffinityTerm."
           "labelSelector",
           "{matchExpressions: [{key: hash, operator: In, values: [h]}]}"},
          {"of spread constraints",
           LABELLED("topologySpreadConstraints: [{maxSkew: 1, topologyKey: zone, whenUnsatisfiable: DoNotSchedule, "
                    "labelSelector: {}, matchLabelKeys: [hash]}]"),
           "spec.topologySpreadConstraints.0.labelSelector",
           "{matchExpressions: [{key: hash, operator: In, values: [h]}]}"},
      });
  expectAll(
      world,
      std::vector<Refused>{
          {"a term needs a topology key",
           LABELLED("affinity: {podAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{topologyKey: ''}]}}"),
           {"FieldValueRequired "
            "spec.affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution[0].topologyKey"}},
          {"label keys need a selector",
           LABELLED("topologySpreadConstraints: [{maxSkew: 1, topologyKey: zone, whenUnsatisfiable: "
                    "DoNotSchedule, matchLabelKeys: [hash]}]"),
           {"FieldValueForbidden spec.topologySpreadConstraints[0].matchLabelKeys"}},
          {"a least number of domains is for what must be",
           LABELLED("topologySpreadConstraints: [{maxSkew: 1, topologyKey: zone, whenUnsatisfiable: "
                    "ScheduleAnyway, minDomains: 2}]"),
           {"FieldValueInvalid spec.topologySpreadConstraints[0].minDomains"}},
          {"a key has one constraint of a kind",
           LABELLED("topologySpreadConstraints: [{maxSkew: 1, topologyKey: zone, whenUnsatisfiable: "
                    "ScheduleAnyway}, {maxSkew: 2, topologyKey: zone, whenUnsatisfiable: ScheduleAnyway}]"),
           {"FieldValueDuplicate spec.topologySpreadConstraints[1].{topologyKey, whenUnsatisfiable}"}},
      });
}

TEST(PodAdmission, EphemeralContainersGetDefaults) {
  AdmissionWorld world;
  auto admitted =
      world.update(CONTAINER(""), "{spec: {ephemeralContainers: [{name: d, image: busybox}]}}", "ephemeralcontainers");
  EXPECT_EQ(admitted.causes, std::vector<std::string>());
  EXPECT_EQ(json::getString(admitted.object, "spec.ephemeralContainers.0.imagePullPolicy"), "Always");
}

TEST(PodAdmission, EphemeralContainersAreOnlyAdded) {
  AdmissionWorld world;
  const char* pod = CONTAINER("");
  struct Case {
    const char* name;
    const char* change;
    std::vector<std::string> causes;
  };
  const Case kCases[] = {
      {"one that looks into a container is fine",
       "{spec: {ephemeralContainers: [{name: d, image: busybox, targetContainerName: c, stdin: true, tty: true}]}}",
       {}},
      {"that container must be there",
       "{spec: {ephemeralContainers: [{name: d, image: busybox, targetContainerName: ghost}]}}",
       {"FieldValueNotFound spec.ephemeralContainers[0].targetContainerName"}},
      {"its name must be free",
       "{spec: {ephemeralContainers: [{name: c, image: busybox}]}}",
       {"FieldValueDuplicate spec.ephemeralContainers[0].name"}},
      {"it has no probes, ports, hooks and resources",
       "{spec: {ephemeralContainers: [{name: d, image: busybox, livenessProbe: {tcpSocket: {port: 1}},"
       " ports: [{containerPort: 1}], lifecycle: {preStop: {sleep: {seconds: 1}}}, resources: {limits: {cpu: '1'}}}]}}",
       {"FieldValueForbidden spec.ephemeralContainers[0].livenessProbe",
        "FieldValueForbidden spec.ephemeralContainers[0].ports",
        "FieldValueForbidden spec.ephemeralContainers[0].lifecycle",
        "FieldValueForbidden spec.ephemeralContainers[0].resources"}},
  };
  for (const Case& c : kCases) {
    auto causes = world.update(pod, c.change, "ephemeralcontainers").causes;
    EXPECT_THAT(causes, ::testing::UnorderedElementsAreArray(c.causes)) << c.name;
  }
}

TEST(PodAdmission, EphemeralContainersComeThroughTheirSubresourceAlone) {
  AdmissionWorld world;
  expectAll(world, std::vector<Refused>{{"not with the pod",
                                         POD("containers: [{name: c, image: i}], ephemeralContainers: [{name: d, "
                                             "image: i}]"),
                                         {"FieldValueForbidden spec.ephemeralContainers"}}});
  expectAll(world, std::vector<Changed>{{"not by an update of the pod",
                                         CONTAINER(""),
                                         "{spec: {ephemeralContainers: [{name: d, image: busybox}]}}",
                                         {"FieldValueForbidden spec"}}});
}

TEST(LimitRangeAdmission, FillsInContainers) {
  AdmissionWorld world;
  world.has(
      "{apiVersion: v1, kind: LimitRange, metadata: {name: l}, spec: {limits: [{type: Container,"
      " default: {cpu: 500m, memory: 64Mi}, defaultRequest: {cpu: 100m, memory: 64Mi}}]}}");
  expectAll(world, std::vector<FilledIn>{
                       {"limits and requests that are left out", CONTAINER(""), "spec.containers.0.resources",
                        "{limits: {cpu: 500m, memory: 64Mi}, requests: {cpu: 100m, memory: 64Mi}}"},
                       {"and says so", CONTAINER(""), "metadata.annotations",
                        "{kubernetes.io/limit-ranger: 'LimitRanger plugin set: cpu, memory request for container c; "
                        "cpu, memory limit for container c'}"},
                       {"what the container says stays", CONTAINER("resources: {limits: {cpu: '1', memory: 1Gi}}"),
                        "spec.containers.0.resources.limits", "{cpu: '1', memory: 1Gi}"},
                   });
}

TEST(LimitRangeAdmission, RefusesWhatIsOutOfBounds) {
  AdmissionWorld world;
  world.has(
      "{apiVersion: v1, kind: LimitRange, metadata: {name: l}, spec: {limits: ["
      "{type: Container, min: {cpu: 100m}, max: {cpu: '1'}, maxLimitRequestRatio: {cpu: '4'}},"
      "{type: Pod, max: {cpu: '2'}}]}}");
  expectAll(
      world,
      std::vector<Refused>{
          {"within all bounds", CONTAINER("resources: {requests: {cpu: 500m}, limits: {cpu: '1'}}"), {}},
          {"above the maximum", CONTAINER("resources: {limits: {cpu: '2'}}"), {"403 Forbidden"}},
          {"below the minimum", CONTAINER("resources: {requests: {cpu: 50m}, limits: {cpu: 100m}}"), {"403 Forbidden"}},
          {"without a limit", CONTAINER("resources: {requests: {cpu: 500m}}"), {"403 Forbidden"}},
          {"too far apart", CONTAINER("resources: {requests: {cpu: 100m}, limits: {cpu: '1'}}"), {"403 Forbidden"}},
          {"too much together",
           POD("containers: [{name: a, image: i, resources: {limits: {cpu: '1'}}}, {name: b, image: i, resources: "
               "{limits: {cpu: '1'}}},"
               " {name: c, image: i, resources: {limits: {cpu: '1'}}}]"),
           {"403 Forbidden"}},
      });
}

TEST(LimitRangeAdmission, AgreesWithItself) {
  AdmissionWorld world;
#define LIMIT(text) "{apiVersion: v1, kind: LimitRange, metadata: {name: l}, spec: {limits: [{" text "}]}}"
  expectAll(world, std::vector<FilledIn>{
                       {"the maximum is the default, and the default is requested",
                        LIMIT("type: Container, max: {cpu: '2'}, default: {memory: 64Mi}"), "spec.limits.0",
                        "{type: Container, max: {cpu: '2'}, default: {cpu: '2', memory: 64Mi}, defaultRequest: {cpu: "
                        "'2', memory: 64Mi}}"},
                       {"pods have no defaults", LIMIT("type: Pod, max: {cpu: '2'}"), "spec.limits.0",
                        "{type: Pod, max: {cpu: '2'}}"},
                   });
  expectAll(world, std::vector<Refused>{
                       {"the least is not above the most",
                        LIMIT("type: Pod, min: {cpu: '2'}, max: {cpu: '1'}"),
                        {"FieldValueInvalid spec.limits[0].min[cpu]"}},
                       {"a default for pods means nothing",
                        LIMIT("type: Pod, default: {cpu: '2'}"),
                        {"FieldValueForbidden spec.limits[0].default"}},
                   });
}

TEST(QuotaAdmission, CountsWhatIsThere) {
  AdmissionWorld world;
  world.has(
      "{apiVersion: v1, kind: ResourceQuota, metadata: {name: q}, spec: {hard: {pods: '2', requests.cpu: '1',"
      " count/configmaps: '0', services.nodeports: '1'}}}");
  world.has(
      "{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {containers: [{name: c, resources: {requests: {cpu: "
      "600m}}}]}}");
  world.has("{apiVersion: v1, kind: Pod, metadata: {name: done}, spec: {containers: []}, status: {phase: Succeeded}}");
  expectAll(world,
            std::vector<Refused>{
                {"a second pod fits", CONTAINER("resources: {requests: {cpu: 400m}}"), {}},
                {"but not with more than is left", CONTAINER("resources: {requests: {cpu: 500m}}"), {"403 Forbidden"}},
                {"every pod must say what it takes", CONTAINER(""), {"403 Forbidden"}},
                {"no ConfigMap fits", "{apiVersion: v1, kind: ConfigMap, metadata: {name: x}}", {"403 Forbidden"}},
                {"Secrets are not spoken of", "{apiVersion: v1, kind: Secret, metadata: {name: x}}", {}},
                {"one node port fits",
                 "{apiVersion: v1, kind: Service, metadata: {name: x}, spec: {type: NodePort, ports: [{port: 80}]}}",
                 {}},
                {"two do not",
                 "{apiVersion: v1, kind: Service, metadata: {name: x},"
                 " spec: {type: NodePort, ports: [{port: 80, name: a}, {port: 81, name: b}]}}",
                 {"403 Forbidden"}},
            });
}

TEST(QuotaAdmission, AScopedQuotaIsAboutItsPodsAlone) {
  AdmissionWorld world;
  world.has(
      "{apiVersion: v1, kind: ResourceQuota, metadata: {name: q}, spec: {hard: {pods: '0'}, scopes: [BestEffort]}}");
  expectAll(world, std::vector<Refused>{
                       {"in its scope", CONTAINER(""), {"403 Forbidden"}},
                       {"out of its scope", CONTAINER("resources: {requests: {cpu: 1m}}"), {}},
                   });
}

}  // namespace
}  // namespace wherry::apiserver
