#include <gtest/gtest.h>

#include "apiserver/admission/admission_world.h"

namespace wherry::apiserver {
namespace {

#define TEMPLATE \
  "selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: i}]}}"
#define DEPLOYMENT(more) "{apiVersion: apps/v1, kind: Deployment, metadata: {name: d}, spec: {" TEMPLATE more "}}"
#define STATEFULSET(more) "{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: w}, spec: {" TEMPLATE more "}}"
#define DAEMONSET(more) "{apiVersion: apps/v1, kind: DaemonSet, metadata: {name: d}, spec: {" TEMPLATE more "}}"
#define JOB(more)                                          \
  "{apiVersion: batch/v1, kind: Job, metadata: {name: j}," \
  " spec: {template: {spec: {restartPolicy: Never, containers: [{name: c, image: i}]}}" more "}}"

TEST(DeploymentAdmission, SaysHowItsPodsAreReplaced) {
  AdmissionWorld world;
  expectAll(world, std::vector<FilledIn>{
                       {"a quarter at a time", DEPLOYMENT(""), "spec.strategy",
                        "{type: RollingUpdate, rollingUpdate: {maxUnavailable: 25%, maxSurge: 25%}}"},
                       {"all at once", DEPLOYMENT(", strategy: {type: Recreate}"), "spec.strategy", "{type: Recreate}"},
                   });
  expectAll(world, std::vector<Refused>{
                       {"never one more or less",
                        DEPLOYMENT(", strategy: {rollingUpdate: {maxSurge: 0, maxUnavailable: 0}}"),
                        {"FieldValueInvalid spec.strategy.rollingUpdate.maxUnavailable"}},
                       {"more than all",
                        DEPLOYMENT(", strategy: {rollingUpdate: {maxUnavailable: 101%}}"),
                        {"FieldValueInvalid spec.strategy.rollingUpdate.maxUnavailable"}},
                       {"a rolling update of what is recreated",
                        DEPLOYMENT(", strategy: {type: Recreate, rollingUpdate: {maxSurge: 1}}"),
                        {"FieldValueForbidden spec.strategy.rollingUpdate"}},
                       {"a deadline before it can be reached",
                        DEPLOYMENT(", minReadySeconds: 60, progressDeadlineSeconds: 30"),
                        {"FieldValueInvalid spec.progressDeadlineSeconds"}},
                   });
}

TEST(DaemonSetAdmission, SaysHowItsPodsAreReplaced) {
  AdmissionWorld world;
  expectAll(world,
            std::vector<FilledIn>{
                {"one at a time", DAEMONSET(""), "spec.updateStrategy",
                 "{type: RollingUpdate, rollingUpdate: {maxUnavailable: 1, maxSurge: 0}}"},
                {"by hand", DAEMONSET(", updateStrategy: {type: OnDelete}"), "spec.updateStrategy", "{type: OnDelete}"},
            });
  expectAll(world, std::vector<Refused>{
                       {"one more and one less at once",
                        DAEMONSET(", updateStrategy: {rollingUpdate: {maxSurge: 1, maxUnavailable: 1}}"),
                        {"FieldValueInvalid spec.updateStrategy.rollingUpdate.maxSurge"}},
                   });
}

TEST(DaemonSetAdmission, CountsTemplates) {
  AdmissionWorld world;
  const auto count = [](const Admitted& admitted) {
    return Admitted(admitted).object.at("metadata").at("annotations").at("deprecated.daemonset.template.generation");
  };
  EXPECT_EQ(count(world.create(DAEMONSET(""))), "1");
  EXPECT_EQ(count(world.update(DAEMONSET(""), "{spec: {minReadySeconds: 3}}")), "1");
  EXPECT_EQ(count(world.update(DAEMONSET(""), "{spec: {template: {metadata: {annotations: {x: y}}}}}")), "2");
  EXPECT_EQ(
      count(world.update(DAEMONSET(""), "{metadata: {annotations: {deprecated.daemonset.template.generation: '9'}}}")),
      "1")
      << "nobody else counts";
}

TEST(DeploymentAdmission, FindsItsPods) {
  AdmissionWorld world;
  expectAll(world,
            std::vector<Refused>{
                {"the selector matches the template",
                 "{apiVersion: apps/v1, kind: Deployment, metadata: {name: d}, spec: {selector: {matchLabels: {a: c}},"
                 " template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: i}]}}}}",
                 {"FieldValueInvalid spec.template.metadata.labels"}},
                {"a container of the template needs an image",
                 "{apiVersion: apps/v1, kind: Deployment, metadata: {name: d}, spec: {selector: {matchLabels: {a: b}},"
                 " template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c}]}}}}",
                 {"FieldValueRequired spec.template.spec.containers[0].image"}},
            });
  expectAll(world, std::vector<Changed>{
                       {"the selector stays",
                        DEPLOYMENT(""),
                        "{spec: {selector: {matchLabels: {a: c}}, template: {metadata: {labels: {a: c}}}}}",
                        {"FieldValueInvalid spec.selector"}},
                       {"the number changes", DEPLOYMENT(""), "{spec: {replicas: 3}}", {}},
                   });
}

TEST(StatefulSetAdmission, MostOfItStays) {
  AdmissionWorld world;
  expectAll(world, std::vector<Changed>{
                       {"the number changes", STATEFULSET(""), "{spec: {replicas: 3, minReadySeconds: 5}}", {}},
                       {"the Service stays",
                        STATEFULSET(", serviceName: x"),
                        "{spec: {serviceName: y}}",
                        {"FieldValueForbidden spec"}},
                       {"the selector stays",
                        STATEFULSET(""),
                        "{spec: {selector: {matchLabels: {a: c}}, template: {metadata: {labels: {a: c}}}}}",
                        {"FieldValueForbidden spec"}},
                   });
  expectAll(world, std::vector<Refused>{
                       {"policies are known ones",
                        STATEFULSET(", podManagementPolicy: X, updateStrategy: {type: Y}"),
                        {"FieldValueInvalid spec.podManagementPolicy", "FieldValueInvalid spec.updateStrategy"}},
                       {"claims are kept or deleted",
                        STATEFULSET(", persistentVolumeClaimRetentionPolicy: {whenScaled: Maybe}"),
                        {"FieldValueNotSupported spec.persistentVolumeClaimRetentionPolicy.whenScaled"}},
                   });
}

#define MOUNTS(claims)                                                                                            \
  "{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: w}, spec: {selector: {matchLabels: {a: b}}, " claims \
  "template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: i, volumeMounts: [{name: data, "   \
  "mountPath: /d}]}]}}}}"

TEST(StatefulSetAdmission, ContainersMountItsClaims) {
  AdmissionWorld world;
  expectAll(world, std::vector<Refused>{
                       {"a claim of the set's is a volume",
                        MOUNTS("volumeClaimTemplates: [{metadata: {name: data}, spec: {accessModes: [ReadWriteOnce], "
                               "resources: {requests: {storage: 1Gi}}}}], "),
                        {}},
                       {"what is neither claim nor volume is not found",
                        MOUNTS(""),
                        {"FieldValueNotFound spec.template.spec.containers[0].volumeMounts[0].name"}},
                   });
}

TEST(JobAdmission, SelectsItsOwnPods) {
  AdmissionWorld world;
  const char* labels =
      "{batch.kubernetes.io/controller-uid: uid-1, controller-uid: uid-1, batch.kubernetes.io/job-name: j, job-name: "
      "j}";
  expectAll(world,
            std::vector<FilledIn>{
                {"by its uid", JOB(""), "spec.selector", "{matchLabels: {batch.kubernetes.io/controller-uid: uid-1}}"},
                {"which the template bears", JOB(""), "spec.template.metadata.labels", labels},
                {"and the Job itself", JOB(""), "metadata.labels", labels},
                {"once, alone, tried six times more", JOB(""), "spec.backoffLimit", "6"},
                {"a limit for each index replaces the common one",
                 JOB(", completionMode: Indexed, completions: 3, backoffLimitPerIndex: 1"), "spec.backoffLimit",
                 "2147483647"},
                {"a number at a time leaves open how many", JOB(", parallelism: 2"), "spec.completions", ""},
            });
}

TEST(JobAdmission, SaysWhatItCannotDo) {
  AdmissionWorld world;
  expectAll(world, std::vector<Refused>{
                       {"a pod that never ends",
                        "{apiVersion: batch/v1, kind: Job, metadata: {name: j}, spec: {template: {spec: {containers: "
                        "[{name: c, image: i}]}}}}",
                        {"FieldValueRequired spec.template.spec.restartPolicy"}},
                       {"indexes without an end",
                        JOB(", completionMode: Indexed, parallelism: 1"),
                        {"FieldValueRequired spec.completions"}},
                       {"a selector of its user's without saying so",
                        JOB(", selector: {matchLabels: {a: b}}"),
                        {"FieldValueInvalid spec.selector", "FieldValueInvalid spec.template.metadata.labels"}},
                   });
  expectAll(
      world,
      std::vector<Changed>{
          {"how often it succeeds stays", JOB(""), "{spec: {completions: 7}}", {"FieldValueInvalid spec.completions"}},
          {"an indexed one may grow",
           JOB(", completionMode: Indexed, completions: 2, parallelism: 2"),
           "{spec: {completions: 3, parallelism: 3}}",
           {}},
          {"its template stays",
           JOB(""),
           "{spec: {template: {spec: {hostname: h}}}}",
           {"FieldValueInvalid spec.template"}},
          {"where its pods go can be said while it waits",
           JOB(", suspend: true"),
           "{spec: {template: {spec: {nodeSelector: {a: b}}}}}",
           {}},
      });
}

TEST(CronJobAdmission, LooksIntoItsTemplate) {
  AdmissionWorld world;
  expectAll(
      world,
      std::vector<Refused>{
          {"the pod must end",
           "{apiVersion: batch/v1, kind: CronJob, metadata: {name: c}, spec: {schedule: '* * * * *',"
           " jobTemplate: {spec: {template: {spec: {containers: [{name: c, image: i}]}}}}}}",
           {"FieldValueRequired spec.jobTemplate.spec.template.spec.restartPolicy"}},
          {"the zone has a field of its own",
           "{apiVersion: batch/v1, kind: CronJob, metadata: {name: c}, spec: {schedule: 'TZ=UTC * * * * *',"
           " jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: c, image: i}]}}}}}}",
           {"FieldValueInvalid spec.schedule"}},
      });
}

}  // namespace
}  // namespace wherry::apiserver
