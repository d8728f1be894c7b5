#include "controllers/daemon_set.h"

#include <set>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/strings.h"
#include "controllers/failure_backoff.h"
#include "controllers/test_objects.h"

namespace wherry::controllers {
namespace {

using apps_v1::DaemonSet;
using core_v1::Node;
using core_v1::Pod;

// `spec`: more of the set's; `pod`: more of its pods' spec.
DaemonSet setOf(std::string_view spec = "", std::string_view pod = "") {
  return DaemonSet(objectOf(fmt::format(R"(
apiVersion: apps/v1
kind: DaemonSet
metadata: {{name: log, namespace: shop, uid: d1, generation: 3, annotations: {{deprecated.daemonset.template.generation: '2'}}}}
spec:
  selector: {{matchLabels: {{app: log}}}}
  template: {{metadata: {{labels: {{app: log}}}}, spec: {{containers: [{{name: a, image: b}}]{}}}}}
{}
)",
                                        pod, spec)));
}

bool has(const std::string& words, std::string_view word) {
  for (const auto part : base::split(words, ' ')) {
    if (part == word) return true;
  }
  return false;
}

// "a, b cordoned": nodes; the words are taints that they have, and labels are named for themselves.
std::vector<Node> nodesOf(const std::string& text) {
  std::vector<Node> nodes;
  for (const auto part : base::split(text, ',')) {
    const std::string words(base::trim(part));
    if (words.empty()) continue;
    std::string taints;
    if (has(words, "cordoned")) taints += "{key: node.kubernetes.io/unschedulable, effect: NoSchedule}, ";
    if (has(words, "unready")) taints += "{key: node.kubernetes.io/not-ready, effect: NoExecute}, ";
    if (has(words, "offline")) taints += "{key: node.kubernetes.io/network-unavailable, effect: NoSchedule}, ";
    if (has(words, "reserved")) taints += "{key: team, value: red, effect: NoSchedule}, ";
    if (has(words, "preferred")) taints += "{key: team, value: red, effect: PreferNoSchedule}, ";
    if (has(words, "emptied")) taints += "{key: team, value: red, effect: NoExecute}, ";
    nodes.emplace_back(
        objectOf(fmt::format("{{metadata: {{name: {}, labels: {{disk: {}}}}}, spec: {{taints: [{}]}}}}",
                             words.substr(0, words.find(' ')), has(words, "ssd") ? "ssd" : "hdd", taints)));
  }
  return nodes;
}

// "a new, b old unready": pods by their node; "pending" ones have no node yet but are made for it.
std::vector<Pod> podsOf(const std::string& text) {
  std::vector<Pod> pods;
  for (const auto part : base::split(text, ',')) {
    const std::string words(base::trim(part));
    if (words.empty()) continue;
    const auto node = words.substr(0, words.find(' '));
    const bool ended = has(words, "failed") || has(words, "succeeded"), pending = has(words, "pending");
    pods.emplace_back(objectOf(fmt::format(
        R"({{metadata: {{name: {0}{1}, uid: u{1}, creationTimestamp: '2026-01-01T00:0{1}:00Z', labels: {{controller-revision-hash: {2}}}{3}}},
             spec: {{{4}}},
             status: {{phase: {5}, conditions: [{{type: Ready, status: '{6}', lastTransitionTime: '2026-01-01T00:09:50Z'}}]}}}})",
        node, pods.size(), has(words, "old") ? "old" : "new",
        has(words, "deleting") ? ", deletionTimestamp: '2026-01-01T00:00:00Z'" : "",
        pending ? fmt::format("affinity: {{nodeAffinity: {{requiredDuringSchedulingIgnoredDuringExecution: "
                              "{{nodeSelectorTerms: [{{matchFields: [{{key: metadata.name, operator: In, values: "
                              "[{}]}}]}}]}}}}}}",
                              node)
                : "nodeName: " + node,
        has(words, "failed")      ? "Failed"
        : has(words, "succeeded") ? "Succeeded"
        : pending                 ? "Pending"
                                  : "Running",
        ended || pending || has(words, "unready") ? "False" : "True")));
  }
  return pods;
}

// "+a -b1": the nodes that get pods, and the pods that go, by their number in the list.
std::string decide(const DaemonSet& set, const std::string& nodes, const std::string& pods) {
  const auto wait = [](std::string_view node) {
    return node == "w" ? std::optional(kNow + std::chrono::seconds(5)) : std::nullopt;
  };
  const auto actions = decideDaemonSet(set, podsOf(pods), nodesOf(nodes), "new", wait, kNow);
  std::vector<std::string> words;
  for (const auto& node : actions.create) words.push_back("+" + node);
  for (const auto& pod : actions.remove) words.push_back(fmt::format("-{}", pod.metadata().name()));
  if (actions.again) {
    words.push_back(
        fmt::format("again {}s", std::chrono::duration_cast<std::chrono::seconds>(*actions.again - kNow).count()));
  }
  return base::join(words, " ");
}

struct Case {
  const char* name;
  const char* spec;
  const char* nodes;
  const char* pods;
  const char* actions;
};

constexpr const char* kOnDelete = "  updateStrategy: {type: OnDelete}";
constexpr const char* kTwo = "  updateStrategy: {type: RollingUpdate, rollingUpdate: {maxUnavailable: 2, maxSurge: 0}}";
constexpr const char* kThird =
    "  updateStrategy: {type: RollingUpdate, rollingUpdate: {maxUnavailable: 30%, maxSurge: 0}}";
constexpr const char* kSurge =
    "  updateStrategy: {type: RollingUpdate, rollingUpdate: {maxUnavailable: 0, maxSurge: 1}}";
constexpr const char* kNothing =
    "  updateStrategy: {type: RollingUpdate, rollingUpdate: {maxUnavailable: 0, maxSurge: 0}}";

constexpr Case kCases[] = {
    {"every node gets a pod", "", "a, b", "", "+a +b"},
    {"one that is made but not yet placed counts", "", "a, b", "a new pending, b new", ""},
    {"a node that is new gets one", "", "a, b", "a new", "+b"},
    {"a cordoned node gets one", "", "a cordoned", "", "+a"},
    {"a node that is not ready gets one", "", "a unready", "", "+a"},
    {"a node without network waits for it", "", "a offline", "", ""},
    {"a reserved node gets none", "", "a reserved", "", ""},
    {"but a pod that is there stays", "", "a reserved", "a new", ""},
    {"and an excess one goes", "", "a reserved", "a new, a new", "-a1"},
    {"a node that others should avoid gets one", "", "a preferred", "", "+a"},
    {"a node that is to be empty is emptied", "", "a emptied", "a new", "-a0"},
    {"one that goes is not asked twice", "", "a emptied", "a new deleting", ""},
    {"the oldest of several stays", "", "a", "a new, a new, a new", "-a1 -a2"},
    {"a placed one before an older one that is not", "", "a", "a new pending, a new", "-a0"},
    {"a pod that goes is waited for", "", "a", "a new deleting", ""},
    {"a failed pod is removed, to be made again", "", "a", "a new failed", "-a0"},
    {"later, where pods fail again and again", "", "w", "w new failed", "again 5s"},
    {"a succeeded pod is removed, too", "", "a", "a new succeeded", "-a0"},
    {"at once", "", "w", "w new succeeded", "-w0"},
    {"one that ended and is kept by a finalizer keeps no node", "", "a", "a new failed deleting", "+a"},
    {"a pod made for a node that is gone goes", "", "a", "a new, b new pending", "-b1"},
    {"one that runs there is left to others", "", "a", "a new, b new", ""},
    {"an update replaces one pod", "", "a, b, c", "a old, b old, c old", "-a0"},
    {"its node gets a new one", "", "a, b, c", "b old, c old", "+a"},
    {"the next one waits until it is ready", "", "a, b, c", "a new unready, b old, c old", ""},
    {"and until the one that goes is gone", "", "a, b, c", "a old deleting, b old, c old", ""},
    {"and goes then", "", "a, b, c", "a new, b old, c old", "-b1"},
    {"those that serve nobody are replaced at once", "", "a, b, c", "a new unready, b old unready, c old", "-b1"},
    {"and don't count", "", "a, b, c", "a old, b old unready, c old", "-b1 -a0"},
    {"minReadySeconds are waited for", "  minReadySeconds: 60", "a, b", "a new, b new", "again 50s"},
    {"two at once", kTwo, "a, b, c", "a old, b old, c old", "-a0 -b1"},
    {"a share is rounded up", kThird, "a, b, c, d", "a old, b old, c old, d old", "-a0 -b1"},
    {"none at all would be never", kNothing, "a, b", "a old, b old", "-a0"},
    {"OnDelete leaves old pods alone", kOnDelete, "a, b", "a old, b old unready", ""},
    {"and makes new ones", kOnDelete, "a, b", "a old", "+b"},
    {"surge: a new pod is made beside the old one", kSurge, "a, b", "a old, b old", "+a"},
    {"surge: which stays until the new one serves", kSurge, "a, b", "a old, a new unready, b old", ""},
    {"surge: and goes then, and the next comes", kSurge, "a, b", "a old, a new, b old", "-a0"},
    {"surge: while one goes the next may come", kSurge, "a, b", "a old deleting, a new, b old", "+b"},
    {"surge: an old pod that serves nobody goes as soon as there is a new one", kSurge, "a",
     "a old unready, a new unready", "-a0"},
    {"surge: one that serves nobody gets a successor at once", kSurge, "a, b, c",
     "a old unready, b old, b new unready, c old", "+a"},
    {"surge: beside a pod that goes a new one comes", kSurge, "a", "a new deleting", "+a"},
    {"surge: of several old ones the oldest stays", kSurge, "a", "a old, a old, a new unready", "-a1"},
    {"surge: where no pod may come any more the old one serves until enough others do", kSurge, "a reserved, b",
     "a old, b new unready", ""},
    {"surge: and goes then", kSurge, "a reserved, b", "a old, b new", "-a0"},
};

class DecideDaemonSet : public testing::TestWithParam<Case> {};

TEST_P(DecideDaemonSet, Decides) {
  EXPECT_EQ(decide(setOf(GetParam().spec), GetParam().nodes, GetParam().pods), GetParam().actions);
}

INSTANTIATE_TEST_SUITE_P(Table, DecideDaemonSet, testing::ValuesIn(kCases), [](const auto& row) {
  std::string name = row.param.name;
  for (char& c : name) c = std::isalnum(static_cast<unsigned char>(c)) ? c : '_';
  return name;
});

TEST(DecideDaemonSetAlone, KeepsToTheNodesOfItsTemplate) {
  EXPECT_EQ(decide(setOf("", ", nodeSelector: {disk: ssd}"), "a ssd, b", "b new"), "+a -b0");
  EXPECT_EQ(decide(setOf("", ", nodeName: b"), "a, b", ""), "+b");
  EXPECT_EQ(decide(setOf("", ", tolerations: [{key: team, operator: Exists}]"), "a reserved, b emptied", ""), "+a +b");
  EXPECT_EQ(decide(setOf("", ", hostNetwork: true"), "a offline", ""), "+a");
  EXPECT_EQ(decide(setOf("",
                         ", affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: "
                         "{nodeSelectorTerms: [{matchExpressions: [{key: disk, operator: In, values: [ssd]}]}]}}}"),
                   "a, b ssd", ""),
            "+b");
}

TEST(DecideDaemonSetAlone, DoesNotDoAllAtOnce) {
  std::string nodes;
  for (int i = 0; i < 300; ++i) nodes += fmt::format("n{},", i);
  const auto wait = [](std::string_view) { return std::nullopt; };
  EXPECT_EQ(decideDaemonSet(setOf(), {}, nodesOf(nodes), "new", wait, kNow).create.size(), kDaemonSetBurst);
}

TEST(DecideDaemonSetAlone, ATemplateThatWasCountedBeforeIsTheSame) {
  const std::vector<Pod> pods{
      Pod(objectOf("{metadata: {name: a0, labels: {pod-template-generation: '2'}}, spec: {nodeName: a}, status: "
                   "{phase: Running}}"))};
  const auto wait = [](std::string_view) { return std::nullopt; };
  EXPECT_TRUE(decideDaemonSet(setOf(), pods, nodesOf("a"), "new", wait, kNow).remove.empty());
}

std::string statusOf(const DaemonSet& set, const std::string& nodes, const std::string& pods) {
  return json::serialize(json::Value(decideDaemonSetStatus(set, podsOf(pods), nodesOf(nodes), "new", 0, kNow)));
}

TEST(DaemonSetStatus, CountsNodesByTheirOldestPods) {
  EXPECT_EQ(statusOf(setOf(), "a, b, c, d, e reserved", "a new, b old, b new unready, c new unready, e new"),
            R"({"currentNumberScheduled":3,"numberMisscheduled":1,"desiredNumberScheduled":4,"numberReady":2,)"
            R"("observedGeneration":3,"updatedNumberScheduled":2,"numberAvailable":2,"numberUnavailable":2})");
  EXPECT_EQ(statusOf(setOf(), "", ""),
            R"({"currentNumberScheduled":0,"numberMisscheduled":0,"desiredNumberScheduled":0,"numberReady":0,)"
            R"("observedGeneration":3})");
}

TEST(DaemonSetStatus, AReadyPodIsAvailableLater) {
  EXPECT_EQ(statusOf(setOf("  minReadySeconds: 60"), "a", "a new"),
            R"({"currentNumberScheduled":1,"numberMisscheduled":0,"desiredNumberScheduled":1,"numberReady":1,)"
            R"("observedGeneration":3,"updatedNumberScheduled":1,"numberUnavailable":1})");
}

TEST(DaemonPod, IsBoundToItsNodeAndStaysWhereOthersLeave) {
  const auto set = setOf("",
                         ", tolerations: [{key: node.kubernetes.io/not-ready, operator: Exists, effect: NoExecute, "
                         "tolerationSeconds: 5}, {key: team, operator: Exists}], affinity: {podAffinity: {}, "
                         "nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: "
                         "[{matchExpressions: [{key: disk, operator: Exists}]}]}}}");
  EXPECT_EQ(daemonPod(set, "a", "abc"), json::parseYaml(R"(
apiVersion: v1
kind: Pod
metadata:
  generateName: log-
  namespace: shop
  labels: {app: log, pod-template-generation: '2', controller-revision-hash: abc}
  ownerReferences: [{apiVersion: apps/v1, kind: DaemonSet, name: log, uid: d1, controller: true, blockOwnerDeletion: true}]
spec:
  containers: [{name: a, image: b}]
  tolerations:
  - {key: node.kubernetes.io/not-ready, operator: Exists, effect: NoExecute}
  - {key: team, operator: Exists}
  - {key: node.kubernetes.io/unreachable, operator: Exists, effect: NoExecute}
  - {key: node.kubernetes.io/disk-pressure, operator: Exists, effect: NoSchedule}
  - {key: node.kubernetes.io/memory-pressure, operator: Exists, effect: NoSchedule}
  - {key: node.kubernetes.io/pid-pressure, operator: Exists, effect: NoSchedule}
  - {key: node.kubernetes.io/unschedulable, operator: Exists, effect: NoSchedule}
  affinity:
    podAffinity: {}
    nodeAffinity:
      requiredDuringSchedulingIgnoredDuringExecution:
        nodeSelectorTerms: [{matchFields: [{key: metadata.name, operator: In, values: [a]}]}]
)"));
}

TEST(DaemonPod, OnTheHostsNetworkComesBeforeTheNetwork) {
  const auto pod = daemonPod(setOf("", ", hostNetwork: true"), "a", "abc");
  EXPECT_EQ(pod.at("spec").at("tolerations").as_array().back(),
            json::parseYaml("{key: node.kubernetes.io/network-unavailable, operator: Exists, effect: NoSchedule}"));
}

TEST(MovesDaemons, OnlyWhatPlacesThem) {
  const auto node = [](std::string_view more) { return objectOf(fmt::format("{{metadata: {{name: a}}, {}}}", more)); };
  EXPECT_TRUE(movesDaemons(nullptr, node("spec: {}")));
  EXPECT_TRUE(movesDaemons(node("spec: {}"), node("spec: {taints: [{key: a, effect: NoExecute}]}")));
  EXPECT_TRUE(movesDaemons(objectOf("{metadata: {labels: {a: b}}}"), objectOf("{metadata: {labels: {a: c}}}")));
  EXPECT_FALSE(movesDaemons(node("status: {phase: a}"), node("status: {phase: b}")));
}

TEST(FailureBackoff, DoublesUntilItIsForgotten) {
  using std::chrono::seconds;
  FailureBackoff backoff;
  EXPECT_EQ(backoff.until("a", kNow), std::nullopt);
  auto now = kNow;
  for (const int delay : {1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900}) {
    backoff.failed("a", now);
    EXPECT_EQ(backoff.until("a", now), now + seconds(delay));
    EXPECT_EQ(backoff.until("b", now), std::nullopt);
    now += seconds(delay);
    EXPECT_EQ(backoff.until("a", now), std::nullopt);
  }
  now += seconds(2000);
  backoff.failed("a", now);
  EXPECT_EQ(backoff.until("a", now), now + seconds(1));
}

}  // namespace
}  // namespace wherry::controllers
