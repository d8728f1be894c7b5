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
                {"pods that end are replaced at once", JOB(""), "spec.podReplacementPolicy", "TerminatingOrFailed"},
                {"unless it matters how they end", JOB(", podFailurePolicy: {rules: []}"), "spec.podReplacementPolicy",
                 "Failed"},
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

TEST(JobAdmission, RefusesPoliciesThatCannotBeMet) {
  AdmissionWorld world;
  const std::string rules = "spec.podFailurePolicy.rules[0]";
  expectAll(
      world,
      std::vector<Refused>{
          {"a rule by exit codes and by conditions",
           JOB(", podFailurePolicy: {rules: [{action: Count, onExitCodes: {operator: In, values: [1]}, "
               "onPodConditions: "
               "[{type: Ready}]}]}"),
           {"FieldValueInvalid " + rules}},
          {"a rule by nothing", JOB(", podFailurePolicy: {rules: [{action: Count}]}"), {"FieldValueInvalid " + rules}},
          {"a limit for each index where there are none",
           JOB(", podFailurePolicy: {rules: [{action: FailIndex, onPodConditions: [{type: Ready}]}]}"),
           {"FieldValueInvalid " + rules + ".action"}},
          {"exit codes twice, in disorder, and success among them",
           JOB(", podFailurePolicy: {rules: [{action: Count, onExitCodes: {operator: In, values: [0, 3, 2, 3]}}]}"),
           {"FieldValueInvalid " + rules + ".onExitCodes.values[0]",
            "FieldValueDuplicate " + rules + ".onExitCodes.values[3]",
            "FieldValueInvalid " + rules + ".onExitCodes.values"}},
          {"a container that isn't there",
           JOB(", podFailurePolicy: {rules: [{action: Count, onExitCodes: {containerName: x, operator: In, values: "
               "[1]}}]}"),
           {"FieldValueInvalid " + rules + ".onExitCodes.containerName"}},
          {"pods that are replaced before it is known how they ended",
           JOB(", podReplacementPolicy: TerminatingOrFailed, podFailurePolicy: {rules: []}"),
           {"FieldValueNotSupported spec.podReplacementPolicy"}},
          {"a success policy without indexes",
           JOB(", successPolicy: {rules: [{succeededCount: 1}]}"),
           {"FieldValueInvalid spec.successPolicy"}},
          {"one without rules",
           JOB(", completionMode: Indexed, completions: 3, successPolicy: {rules: []}"),
           {"FieldValueRequired spec.successPolicy.rules"}},
          {"a rule that asks for nothing",
           JOB(", completionMode: Indexed, completions: 3, successPolicy: {rules: [{}]}"),
           {"FieldValueRequired spec.successPolicy.rules[0]"}},
          {"for more than there are",
           JOB(", completionMode: Indexed, completions: 3, successPolicy: {rules: [{succeededIndexes: 0-1, "
               "succeededCount: 3}, {succeededCount: 4}, {succeededIndexes: 2-3}, {succeededIndexes: '2,1'}]}"),
           {"FieldValueInvalid spec.successPolicy.rules[0].succeededCount",
            "FieldValueInvalid spec.successPolicy.rules[1].succeededCount",
            "FieldValueInvalid spec.successPolicy.rules[2].succeededIndexes",
            "FieldValueInvalid spec.successPolicy.rules[3].succeededIndexes"}},
          {"more failed indexes than there are",
           JOB(", completionMode: Indexed, completions: 3, backoffLimitPerIndex: 1, maxFailedIndexes: 4"),
           {"FieldValueInvalid spec.maxFailedIndexes"}},
          {"failed indexes without a limit for each",
           JOB(", completionMode: Indexed, completions: 3, maxFailedIndexes: 1"),
           {"FieldValueRequired spec.backoffLimitPerIndex"}},
          {"too many indexes at once",
           JOB(", completionMode: Indexed, completions: 200000, parallelism: 100001"),
           {"FieldValueInvalid spec.parallelism"}},
          {"a manager without a domain", JOB(", managedBy: me"), {"FieldValueInvalid spec.managedBy"}},
          {"a manager", JOB(", managedBy: example.com/me"), {}},
      });
}

#define CRONJOB(spec, job)                                                  \
  "{apiVersion: batch/v1, kind: CronJob, metadata: {name: c}, spec: {" spec \
  ", jobTemplate: {spec: {template: {spec: "                                \
  "{restartPolicy: Never, containers: [{name: c, image: i}]}}" job "}}}}"

TEST(CronJobAdmission, ReadsItsSchedule) {
  AdmissionWorld world;
  expectAll(world, std::vector<Refused>{
                       {"as cron writes it", CRONJOB("schedule: '*/5 9-17 * jan-mar MON'", ""), {}},
                       {"in a word", CRONJOB("schedule: '@hourly'", ""), {}},
                       {"none", CRONJOB("schedule: ''", ""), {"FieldValueRequired spec.schedule"}},
                       {"a field too few", CRONJOB("schedule: '* * * *'", ""), {"FieldValueInvalid spec.schedule"}},
                       {"the zone has a field of its own",
                        CRONJOB("schedule: 'TZ=UTC * * * * *'", ""),
                        {"FieldValueInvalid spec.schedule"}},
                       {"a zone", CRONJOB("schedule: '@daily', timeZone: UTC", ""), {}},
                       {"one that isn't known",
                        CRONJOB("schedule: '@daily', timeZone: Europe/Atlantis", ""),
                        {"FieldValueInvalid spec.timeZone"}},
                       {"one that isn't said",
                        CRONJOB("schedule: '@daily', timeZone: Local", ""),
                        {"FieldValueInvalid spec.timeZone"}},
                       {"a file that is none",
                        CRONJOB("schedule: '@daily', timeZone: ../../../etc/passwd", ""),
                        {"FieldValueInvalid spec.timeZone"}},
                   });
}

TEST(CronJobAdmission, LeavesRoomForTheNamesOfItsJobs) {
  AdmissionWorld world;
  const auto named = [](size_t length) {
    return "{apiVersion: batch/v1, kind: CronJob, metadata: {name: " + std::string(length, 'x') +
           "}, spec: {schedule: '@daily', jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: "
           "[{name: c, image: i}]}}}}}}";
  };
  EXPECT_TRUE(world.create(named(52)).causes.empty());
  EXPECT_EQ(world.create(named(53)).causes, std::vector<std::string>{"FieldValueInvalid metadata.name"});
}

TEST(CronJobAdmission, LooksIntoItsTemplate) {
  AdmissionWorld world;
  expectAll(world, std::vector<Refused>{
                       {"the pod must end",
                        "{apiVersion: batch/v1, kind: CronJob, metadata: {name: c}, spec: {schedule: '* * * * *',"
                        " jobTemplate: {spec: {template: {spec: {containers: [{name: c, image: i}]}}}}}}",
                        {"FieldValueRequired spec.jobTemplate.spec.template.spec.restartPolicy"}},
                       {"selectors are made for each Job",
                        CRONJOB("schedule: '@daily'", ", manualSelector: true, selector: {matchLabels: {a: b}}"),
                        {"FieldValueInvalid spec.jobTemplate.spec.selector",
                         "FieldValueNotSupported spec.jobTemplate.spec.manualSelector"}},
                   });
}

}  // namespace
}  // namespace wherry::apiserver
