#include "controllers/stateful_set.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/strings.h"
#include "controllers/controller_revision.h"
#include "controllers/test_objects.h"

namespace wherry::controllers {
namespace {

using apps_v1::ControllerRevision;
using apps_v1::StatefulSet;
using core_v1::Pod;

StatefulSet setOf(std::string_view spec, std::string_view status = "") {
  return StatefulSet(objectOf(fmt::format(R"(
apiVersion: apps/v1
kind: StatefulSet
metadata: {{name: web, namespace: shop, uid: s1, generation: 2}}
spec:
  serviceName: nginx
  selector: {{matchLabels: {{app: web}}}}
  template: {{metadata: {{labels: {{app: web}}}}, spec: {{containers: [{{name: a, image: b}}]}}}}
  updateStrategy: {{type: RollingUpdate, rollingUpdate: {{partition: 0}}}}
{}
status: {{{}}}
)",
                                          spec, status)));
}

// "0 new, 1 old unready, 2 old deleting": the pods web-0, web-1, web-2 of the revisions called new and old.
std::vector<Pod> podsOf(const std::string& text) {
  std::vector<Pod> pods;
  for (const auto part : base::split(text, ',')) {
    const std::string words(base::trim(part));
    if (words.empty()) continue;
    const auto has = [&](std::string_view word) { return words.find(word) != std::string::npos; };
    const std::string ordinal = words.substr(0, words.find(' '));
    pods.emplace_back(objectOf(fmt::format(
        R"({{metadata: {{name: web-{0}, uid: p{0}, labels: {{controller-revision-hash: {1}}}{2}}}, status: {{phase: {3}, conditions: [{{type: Ready, status: '{4}', lastTransitionTime: '2026-01-01T00:09:50Z'}}]}}}})",
        ordinal,
        has("old")      ? "old"
        : has("broken") ? "broken"
                        : "new",
        has("deleting") ? ", deletionTimestamp: '2026-01-01T00:00:00Z'" : "", has("failed") ? "Failed" : "Running",
        has("unready") || has("failed") ? "False" : "True")));
  }
  return pods;
}

// "+0 -2": what is made and what is removed; "+0old" where it is made of the current revision.
std::string decide(const StatefulSet& set, const std::string& pods,
                   const StatefulRevisions& revisions = {"old", "new"}) {
  const auto actions = decideStatefulSet(set, podsOf(pods), revisions, kNow);
  std::vector<std::string> words;
  for (const auto& create : actions.create) {
    words.push_back(fmt::format("+{}{}", create.ordinal, create.from == StatefulActions::From::kCurrent ? "old" : ""));
  }
  for (const auto& pod : actions.remove) words.push_back("-" + std::string(pod.metadata().name().substr(4)));
  if (actions.again) words.push_back("again");
  return base::join(words, " ");
}

struct Case {
  const char* name;
  const char* spec;
  const char* pods;
  const char* actions;
};

class DecideStatefulSet : public testing::TestWithParam<Case> {};

TEST_P(DecideStatefulSet, Decides) { EXPECT_EQ(decide(setOf(GetParam().spec), GetParam().pods), GetParam().actions); }

constexpr Case kCases[] = {
    {"the first pod is made alone", "  replicas: 3", "", "+0"},
    {"the next one waits for it to be ready", "  replicas: 3", "0 new unready", ""},
    {"and is made then", "  replicas: 3", "0 new", "+1"},
    {"a lost pod is made again before the last one", "  replicas: 3", "0 new, 2 new", "+1"},
    {"its name is free only once it is gone", "  replicas: 3", "0 new, 1 new deleting, 2 new", ""},
    {"one that failed is removed, to be made again", "  replicas: 2", "0 new failed", "-0"},
    {"numbers begin where the user says", "  replicas: 2\n  ordinals: {start: 5}", "5 new", "+6"},
    {"what is numbered lower goes", "  replicas: 1\n  ordinals: {start: 5}", "4 new, 5 new", "-4"},
    {"minReadySeconds are waited for", "  replicas: 2\n  minReadySeconds: 60", "0 new", "again"},
    {"the last one goes first", "  replicas: 1", "0 new, 1 new, 2 new", "-2"},
    {"and the one before it once it is gone", "  replicas: 1", "0 new, 1 new, 2 new deleting", ""},
    {"nobody goes while one that stays is not ready", "  replicas: 1", "0 new unready, 1 new, 2 new", ""},
    {"one that goes need not be ready", "  replicas: 1", "0 new, 1 new unready, 2 new unready", "-2"},
    {"an update replaces the last one first", "  replicas: 3", "0 old, 1 old, 2 old", "-2"},
    {"and waits for its successor", "  replicas: 3", "0 old, 1 old, 2 new unready", ""},
    {"and goes on to the first", "  replicas: 3", "0 old, 1 new, 2 new", "-0"},
    {"below the partition all stay as they are",
     "  replicas: 3\n  updateStrategy: {type: RollingUpdate, rollingUpdate: {partition: 2}}", "0 old, 1 old, 2 new",
     ""},
    {"and are made of the old template again",
     "  replicas: 3\n  updateStrategy: {type: RollingUpdate, rollingUpdate: {partition: 2}}", "1 old, 2 new", "+0old"},
    {"several at once, if the user says so",
     "  replicas: 4\n  updateStrategy: {type: RollingUpdate, rollingUpdate: {partition: 0, maxUnavailable: 2}}",
     "0 old, 1 old, 2 old, 3 old", "-3 -2"},
    {"a share of all, rounded down but one at least",
     "  replicas: 4\n  updateStrategy: {type: RollingUpdate, rollingUpdate: {partition: 0, maxUnavailable: 40%}}",
     "0 old, 1 old, 2 old, 3 old", "-3"},
    {"OnDelete leaves old pods alone", "  replicas: 2\n  updateStrategy: {type: OnDelete}", "0 old, 1 old", ""},
    {"even broken ones", "  replicas: 2\n  updateStrategy: {type: OnDelete}", "0 old, 1 old unready", ""},
    {"and makes new ones of the new template", "  replicas: 2\n  updateStrategy: {type: OnDelete}", "0 old", "+1"},
    {"a pod of a broken template is replaced, or it would be waited for for ever", "  replicas: 3",
     "0 old, 1 old, 2 broken unready", "-2"},
    {"also where it is the first", "  replicas: 3", "0 broken unready", "-0"},
    {"one of the wanted template is waited for", "  replicas: 3", "0 old, 1 old, 2 new unready", ""},
    {"parallel: all are made at once", "  replicas: 3\n  podManagementPolicy: Parallel", "1 new unready", "+0 +2"},
    {"parallel: all go at once", "  replicas: 0\n  podManagementPolicy: Parallel", "0 new, 1 new unready, 2 new",
     "-2 -1 -0"},
    {"parallel: an update is still one at a time", "  replicas: 3\n  podManagementPolicy: Parallel",
     "0 old, 1 old, 2 old", "-2"},
    {"parallel: while one is away nobody else goes", "  replicas: 3\n  podManagementPolicy: Parallel",
     "0 old, 1 old, 2 new unready", ""},
    {"parallel: those that serve nobody go at once", "  replicas: 3\n  podManagementPolicy: Parallel",
     "0 old, 1 broken unready, 2 broken unready", "-2 -1"},
};

INSTANTIATE_TEST_SUITE_P(Table, DecideStatefulSet, testing::ValuesIn(kCases), [](const auto& row) {
  std::string name = row.param.name;
  for (char& c : name) c = std::isalnum(static_cast<unsigned char>(c)) ? c : '_';
  return name;
});

TEST(DecideStatefulSetAlone, DoesNothingForASetThatGoes) {
  const StatefulSet set(
      objectOf("{metadata: {name: web, deletionTimestamp: '2026-01-01T00:00:00Z'}, spec: {replicas: 3}}"));
  EXPECT_EQ(decide(set, ""), "");
}

TEST(OrdinalOf, IsTheNumberInThePodsName) {
  EXPECT_EQ(ordinalOf("web", "web-3"), 3);
  EXPECT_EQ(ordinalOf("web", "web-03"), std::nullopt);
  EXPECT_EQ(ordinalOf("web", "web-a-3"), std::nullopt);
  EXPECT_EQ(ordinalOf("web", "webs-3"), std::nullopt);
  EXPECT_EQ(ordinalOf("web", "web--1"), std::nullopt);
  EXPECT_EQ(ordinalOf("web", "web-99999999999"), std::nullopt);
  EXPECT_EQ(ordinalOf("web", "web"), std::nullopt);
}

std::string statusOf(const StatefulSet& set, const std::string& pods,
                     const StatefulRevisions& revisions = {"old", "new"}) {
  return json::serialize(json::Value(decideStatefulSetStatus(set, podsOf(pods), revisions, 0, kNow)));
}

TEST(StatefulSetStatus, CountsPodsOfBothRevisions) {
  EXPECT_EQ(statusOf(setOf("  replicas: 3"), "0 old, 1 old unready, 2 new"),
            R"({"observedGeneration":2,"replicas":3,"readyReplicas":2,"availableReplicas":2,"currentReplicas":2,)"
            R"("updatedReplicas":1,"currentRevision":"old","updateRevision":"new","collisionCount":0})");
}

TEST(StatefulSetStatus, AnUpdateIsCompleteWhenAllAreReady) {
  EXPECT_EQ(statusOf(setOf("  replicas: 2"), "0 new, 1 new"),
            R"({"observedGeneration":2,"replicas":2,"readyReplicas":2,"availableReplicas":2,"currentReplicas":2,)"
            R"("updatedReplicas":2,"currentRevision":"new","updateRevision":"new","collisionCount":0})");
  EXPECT_NE(statusOf(setOf("  replicas: 2"), "0 new, 1 new unready").find(R"("currentRevision":"old")"),
            std::string::npos);
  EXPECT_NE(statusOf(setOf("  replicas: 2\n  updateStrategy: {type: OnDelete}"), "0 new, 1 new")
                .find(R"("currentRevision":"old")"),
            std::string::npos);
}

constexpr std::string_view kClaims = R"(  replicas: 2
  volumeClaimTemplates:
  - {metadata: {name: data, labels: {tier: db}}, spec: {accessModes: [ReadWriteOnce]}, status: {phase: Pending}})";

TEST(StatefulPod, HasItsNameItsServiceAndItsClaims) {
  const auto set = setOf(kClaims);
  const auto podTemplate = json::parseYaml(R"(
metadata: {labels: {app: web}, annotations: {note: x}}
spec: {containers: [{name: a, image: b}], volumes: [{name: data, emptyDir: {}}, {name: tmp, emptyDir: {}}]}
)");
  EXPECT_EQ(statefulPod(set, core_v1::PodTemplateSpec(&podTemplate), 1, "web-abc"), json::parseYaml(R"(
apiVersion: v1
kind: Pod
metadata:
  name: web-1
  namespace: shop
  annotations: {note: x}
  labels: {app: web, statefulset.kubernetes.io/pod-name: web-1, apps.kubernetes.io/pod-index: '1', controller-revision-hash: web-abc}
  ownerReferences: [{apiVersion: apps/v1, kind: StatefulSet, name: web, uid: s1, controller: true, blockOwnerDeletion: true}]
spec:
  containers: [{name: a, image: b}]
  volumes: [{name: data, persistentVolumeClaim: {claimName: data-web-1}}, {name: tmp, emptyDir: {}}]
  hostname: web-1
  subdomain: nginx
)"));
}

TEST(StatefulClaims, AreTheTemplatesWithTheSetsLabels) {
  const auto claims = statefulClaims(setOf(kClaims), 1);
  ASSERT_EQ(claims.size(), 1u);
  EXPECT_EQ(claims[0], json::parseYaml(R"(
metadata: {name: data-web-1, namespace: shop, labels: {tier: db, app: web}}
spec: {accessModes: [ReadWriteOnce]}
apiVersion: v1
kind: PersistentVolumeClaim
)"));
}

std::string ownersOf(std::string_view whenDeleted, std::string_view whenScaled, int64_t ordinal,
                     std::string_view have) {
  const auto set =
      setOf(fmt::format("  replicas: 2\n  persistentVolumeClaimRetentionPolicy: {{whenDeleted: {}, whenScaled: {}}}",
                        whenDeleted, whenScaled));
  const auto pod = objectOf(fmt::format("{{metadata: {{name: web-{}, uid: p1}}}}", ordinal));
  const auto claim = objectOf(fmt::format("{{metadata: {{name: data-web-{}, ownerReferences: [{}]}}}}", ordinal, have));
  const auto owners = decideClaimOwners(set, ordinal, *claim, pod.get());
  if (!owners) return "right";
  std::vector<std::string> uids;
  for (const auto& owner : owners->as_array()) uids.emplace_back(json::getString(owner, "uid"));
  return base::join(uids, " ");
}

TEST(ClaimOwners, AreWhoTakesTheClaimAlong) {
  EXPECT_EQ(ownersOf("Retain", "Retain", 0, ""), "right");
  EXPECT_EQ(ownersOf("Delete", "Retain", 0, ""), "s1");
  EXPECT_EQ(ownersOf("Delete", "Retain", 5, ""), "s1");
  EXPECT_EQ(ownersOf("Retain", "Delete", 0, ""), "right");
  EXPECT_EQ(ownersOf("Retain", "Delete", 5, ""), "p1");
  EXPECT_EQ(ownersOf("Delete", "Delete", 5, "{kind: StatefulSet, name: web, uid: s1}"), "p1");
  // The pod that should have taken it along was followed by another one that stays.
  EXPECT_EQ(ownersOf("Retain", "Delete", 0, "{kind: Pod, name: web-0, uid: p0}"), "");
  EXPECT_EQ(ownersOf("Retain", "Retain", 0, "{kind: Backup, name: b, uid: b1}"), "right");
}

ControllerRevision revisionOf(std::string_view name, int64_t number, std::string_view image) {
  return ControllerRevision(objectOf(fmt::format(
      "{{metadata: {{name: {}}}, revision: {}, data: {{spec: {{template: {{spec: {{containers: [{{image: {}}}]}}, "
      "$patch: replace}}}}}}}}",
      name, number, image)));
}

TEST(ControllerRevisions, AnOldTemplateBecomesTheNewestAgain) {
  const std::vector<ControllerRevision> revisions{revisionOf("a", 1, "one"), revisionOf("b", 2, "two")};
  const auto wanted = [&](std::string_view image) {
    const auto podTemplate = json::parseYaml(fmt::format("{{spec: {{containers: [{{image: {}}}]}}}}", image));
    const auto decided = decideRevision(revisionData(core_v1::PodTemplateSpec(&podTemplate)), revisions);
    return fmt::format("{} {}", decided.existing ? decided.existing->metadata().name() : "new", decided.number);
  };
  EXPECT_EQ(wanted("two"), "b 2");
  EXPECT_EQ(wanted("one"), "a 3");
  EXPECT_EQ(wanted("three"), "new 3");
}

TEST(ControllerRevisions, GiveBackTheTemplateTheyWereMadeOf) {
  EXPECT_EQ(templateOf(revisionOf("a", 1, "one")), json::parseYaml("{spec: {containers: [{image: one}]}}"));
}

TEST(ControllerRevisions, TheOldestUnusedOnesGo) {
  const std::vector<ControllerRevision> revisions{revisionOf("a", 1, "one"), revisionOf("b", 2, "two"),
                                                  revisionOf("c", 3, "three"), revisionOf("d", 4, "four")};
  const auto cleanup = decideRevisionCleanup(revisions, {"a", "d"}, 1);
  ASSERT_EQ(cleanup.size(), 1u);
  EXPECT_EQ(cleanup[0].metadata().name(), "b");
  EXPECT_TRUE(decideRevisionCleanup(revisions, {"a", "d"}, 5).empty());
}

TEST(Identity, AnAdoptedPodGetsItsLabels) {
  const auto set = setOf("  replicas: 1");
  const Pod stranger(objectOf("{metadata: {name: web-0, uid: p0, labels: {app: web}}}"));
  EXPECT_EQ(*decideIdentity(set, stranger),
            json::parseYaml("{metadata: {uid: p0, labels: {statefulset.kubernetes.io/pod-name: web-0, "
                            "apps.kubernetes.io/pod-index: '0'}}}"));
  const Pod own(
      objectOf("{metadata: {name: web-0, labels: {statefulset.kubernetes.io/pod-name: web-0, "
               "apps.kubernetes.io/pod-index: '0'}}}"));
  EXPECT_EQ(decideIdentity(set, own), std::nullopt);
}

}  // namespace
}  // namespace wherry::controllers
