#include "scheduler/preemption.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/strings.h"
#include "scheduler/pod_condition.h"
#include "scheduler/test_cluster.h"

namespace wherry::scheduler {
namespace {

// Nodes of one CPU each.
std::string nodesOf(std::initializer_list<const char*> names, std::string_view more = "") {
  std::string yaml;
  for (const char* name : names) {
    yaml += fmt::format(
        "---\n{{metadata: {{name: {0}, labels: {{kubernetes.io/hostname: {0}}}}}, {1}status: {{allocatable: {{cpu: "
        "'1', "
        "memory: 8Gi, pods: '10'}}}}}}\n",
        name, more);
  }
  return yaml;
}

struct Running {
  const char* name;
  const char* node;
  int priority;
  const char* cpu;
  const char* start = "2026-01-01T00:00:00Z";
  const char* labels = "{}";
  const char* more = "";  // of metadata
};

std::string podsOf(const std::vector<Running>& pods) {
  std::string yaml;
  for (const auto& pod : pods) {
    yaml += fmt::format(
        "---\n{{metadata: {{name: {}, namespace: default, uid: {}, labels: {}{}}}, spec: {{nodeName: {}, priority: {}, "
        "containers: [{{resources: {{requests: {{cpu: {}}}}}}}]}}, status: {{startTime: '{}', conditions: [{{type: "
        "DisruptionTarget, status: 'True', reason: PreemptionByScheduler}}]}}}}\n",
        pod.name, pod.name, pod.labels, pod.more, pod.node, pod.priority, pod.cpu, pod.start);
  }
  return yaml;
}

std::vector<Budget> budgetsOf(std::string_view yaml) {
  std::vector<Budget> budgets;
  for (const auto& budget : objectsOf<policy_v1::PodDisruptionBudget>(yaml)) budgets.push_back(budgetOf(budget));
  return budgets;
}

// "boat: v1 v2", or the message that says why nobody goes.
std::string preempt(const core_v1::Pod& pod, const ClusterCache& cluster, std::string_view budgets = "") {
  const PodInfo info(pod);
  const CycleState cycle(info, cluster);
  const auto first = [](size_t) { return size_t{0}; };
  const auto placement = decidePlacement(cycle, first);
  if (!placement.node.empty()) return "fits on " + placement.node;
  const auto plan = decidePreemption(cycle, placement.refused, budgetsOf(budgets), first);
  if (plan.node.empty()) return plan.message;
  std::string text = plan.node + ":";
  for (const auto& victim : plan.victims) text += " " + std::string(victim->pod.metadata().name());
  return text;
}

core_v1::Pod important(std::string_view cpu = "'1'", std::string_view more = "") {
  return podOf(fmt::format("{{priority: 100, containers: [{{resources: {{requests: {{cpu: {}}}}}}}]{}}}", cpu, more));
}

TEST(Preemption, AsFewAsWillDo) {
  const auto cluster = clusterOf(
      nodesOf({"boat"}), podsOf({{"a", "boat", 1, "500m"}, {"b", "boat", 2, "300m"}, {"c", "boat", 3, "200m"}}));
  EXPECT_EQ(preempt(important("'1'"), cluster), "boat: c b a");
  EXPECT_EQ(preempt(important("400m"), cluster), "boat: a");
  EXPECT_EQ(preempt(important("700m"), cluster), "boat: b a");
}

TEST(Preemption, NotForNothing) {
  const struct {
    const char* name;
    core_v1::Pod pod;
    std::vector<Running> there;
    const char* expected;
  } cases[] = {
      {"nobody goes for an equal",
       important(),
       {{"a", "boat", 100, "500m"}},
       "preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod."},
      {"nobody goes where it would not fit even then",
       important("600m"),
       {{"a", "boat", 100, "500m"}, {"b", "boat", 1, "500m"}},
       "preemption: 0/1 nodes are available: 1 Insufficient cpu."},
      {"nobody goes where the node is too small",
       important("'2'"),
       {{"a", "boat", 1, "500m"}},
       "preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling."},
      {"nobody goes where the pod may not run",
       important("'1'", ", nodeSelector: {a: b}"),
       {{"a", "boat", 1, "500m"}},
       "preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling."},
      {"nobody goes for a pod that does not want it",
       important("'1'", ", preemptionPolicy: Never"),
       {{"a", "boat", 1, "500m"}},
       "preemption: not eligible due to preemptionPolicy=Never."},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(preempt(c.pod, clusterOf(nodesOf({"boat"}), podsOf(c.there))), c.expected) << c.name;
  }
}

TEST(Preemption, TheBestNode) {
  constexpr const char* kBudget =
      "{metadata: {name: b, namespace: default}, spec: {selector: {matchLabels: {app: web}}}, status: "
      "{disruptionsAllowed: 0}}";
  const struct {
    const char* name;
    std::vector<Running> there;
    const char* expected;
  } cases[] = {
      {"breaks no budget, whatever else it costs",
       {{"a", "n1", 1, "'1'", "2026-01-01T00:00:00Z", "{app: web}"}, {"b", "n2", 9, "'1'"}},
       "n2: b"},
      {"has the least important of most important victims", {{"a", "n1", 9, "'1'"}, {"b", "n2", 5, "'1'"}}, "n2: b"},
      {"has the lowest sum",
       {{"a", "n1", 9, "500m"}, {"b", "n1", 9, "500m"}, {"c", "n2", 9, "500m"}, {"d", "n2", 1, "500m"}},
       "n2: c d"},
      {"has the fewest victims", {{"a", "n1", 9, "500m"}, {"b", "n1", 9, "500m"}, {"c", "n2", 9, "'1'"}}, "n2: c"},
      {"has those that started last",
       {{"a", "n1", 9, "'1'", "2026-01-01T00:00:00Z"}, {"b", "n2", 9, "'1'", "2026-01-02T00:00:00Z"}},
       "n2: b"},
      {"is the first when all is equal", {{"a", "n1", 9, "'1'"}, {"b", "n2", 9, "'1'"}}, "n1: a"},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(preempt(important(), clusterOf(nodesOf({"n1", "n2"}), podsOf(c.there)), kBudget), c.expected) << c.name;
  }
}

TEST(Preemption, ThoseOfABudgetAreSparedFirst) {
  const auto cluster =
      clusterOf(nodesOf({"boat"}),
                podsOf({{"a", "boat", 1, "500m", "2026-01-01T00:00:00Z", "{app: web}"}, {"b", "boat", 9, "500m"}}));
  const auto budget = [](const char* status) {
    return fmt::format(
        "{{metadata: {{name: b, namespace: default}}, spec: {{selector: {{matchLabels: {{app: web}}}}}}, status: {}}}",
        status);
  };
  EXPECT_EQ(preempt(important("500m"), cluster, budget("{disruptionsAllowed: 0}")), "boat: b");
  EXPECT_EQ(preempt(important("500m"), cluster, budget("{disruptionsAllowed: 1}")), "boat: a");
  EXPECT_EQ(preempt(important("500m"), cluster,
                    budget("{disruptionsAllowed: 0, disruptedPods: {a: '2026-01-01T00:00:00Z'}}")),
            "boat: a")
      << "it was counted when it was evicted";
  EXPECT_EQ(preempt(important("'1'"), cluster, budget("{disruptionsAllowed: 0}")), "boat: b a")
      << "a budget is broken when there is no other way";
}

TEST(Preemption, SolvesWhatOthersForbid) {
  const auto away = podOf(
      "{priority: 100, affinity: {podAntiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{topologyKey: "
      "kubernetes.io/hostname, labelSelector: {matchLabels: {app: web}}}]}}}");
  const auto cluster =
      clusterOf(nodesOf({"boat"}),
                podsOf({{"a", "boat", 1, "100m", "", "{app: web}"}, {"b", "boat", 1, "100m", "", "{app: other}"}}));
  EXPECT_EQ(preempt(away, cluster), "boat: a");
  const auto port = podOf("{priority: 100, containers: [{ports: [{hostPort: 80}]}]}");
  EXPECT_EQ(preempt(port, clusterOf(nodesOf({"boat"}),
                                    "{metadata: {name: h, namespace: default, uid: h}, spec: {nodeName: boat, "
                                    "containers: [{ports: [{hostPort: 80}]}]}}")),
            "boat: h");
}

TEST(Preemption, WaitsWhileVictimsOfThePromisedNodeEnd) {
  auto cluster = clusterOf(nodesOf({"boat"}),
                           podsOf({{"a", "boat", 1, "'1'", "", "{}", ", deletionTimestamp: '2026-01-01T00:00:00Z'"}}));
  EXPECT_EQ(preempt(important(), cluster), "boat: a");
  cluster.nominate(std::make_shared<const PodInfo>(important()), "boat");
  EXPECT_EQ(preempt(important(), cluster), "preemption: not eligible due to a terminating pod on the nominated node.");
}

TEST(Preemption, APromisedNodeIsFullForWhoStandsBehind) {
  auto cluster = clusterOf(nodesOf({"boat"}));
  cluster.nominate(std::make_shared<const PodInfo>(
                       objectsOf<core_v1::Pod>("{metadata: {name: p, namespace: default, uid: p}, spec: {priority: 50, "
                                               "containers: [{resources: {requests: {cpu: 800m}}}]}}")[0]),
                   "boat");
  const auto other = [](int priority) {
    return podOf(fmt::format("{{priority: {}, containers: [{{resources: {{requests: {{cpu: 500m}}}}}}]}}", priority));
  };
  EXPECT_EQ(place(other(49), cluster), "0/1 nodes are available: 1 Insufficient cpu.");
  EXPECT_EQ(place(other(50), cluster), "0/1 nodes are available: 1 Insufficient cpu.");
  EXPECT_EQ(place(other(51), cluster), "boat");
  EXPECT_TRUE(cluster.forgetNomination({"default", "p"}));
  EXPECT_EQ(place(other(49), cluster), "boat");
}

TEST(Preemption, ThePromisedNodeComesFirst) {
  auto cluster = clusterOf(nodesOf({"n1", "n2"}));
  cluster.nominate(std::make_shared<const PodInfo>(important()), "n2");
  EXPECT_EQ(place(important(), cluster), "n2");
}

TEST(Placement, OfManyNodesEnoughAreCompared) {
  EXPECT_EQ(enoughNodes(3), 3u);
  EXPECT_EQ(enoughNodes(100), 100u);
  EXPECT_EQ(enoughNodes(150), 100u);
  EXPECT_EQ(enoughNodes(1000), 420u);
  EXPECT_EQ(enoughNodes(6000), 300u);
}

TEST(Placement, TheMessageIsUpstreams) {
  const auto cluster = clusterOf(nodesOf({"n1", "n2"}) + nodesOf({"n3"}, "spec: {unschedulable: true}, "),
                                 podsOf({{"a", "n1", 0, "'1'"}, {"b", "n2", 0, "500m"}}));
  const auto pod = podOf("{containers: [{resources: {requests: {cpu: 600m}}}]}");
  EXPECT_EQ(place(pod, cluster), "0/3 nodes are available: 1 node(s) were unschedulable, 2 Insufficient cpu.");
  EXPECT_EQ(preempt(pod, cluster),
            "preemption: 0/3 nodes are available: 1 Preemption is not helpful for scheduling, 2 No preemption victims "
            "found for incoming pod.");
}

TEST(Preemption, AVictimIsToldWhy) {
  EXPECT_TRUE(json::equal(
      preemptedPatch(podOf("{}"), "default-scheduler", "2026-01-01T00:00:00Z"),
      json::parseYaml("{metadata: {uid: u}, status: {conditions: [{type: DisruptionTarget, status: 'True', reason: "
                      "PreemptionByScheduler, message: 'default-scheduler: preempting to accommodate a higher priority "
                      "pod', lastTransitionTime: '2026-01-01T00:00:00Z'}]}}")));
}

}  // namespace
}  // namespace wherry::scheduler
