#include "controllers/disruption.h"

#include <gtest/gtest.h>

#include "controllers/test_objects.h"

namespace wherry::controllers {
namespace {

using core_v1::Pod;
using policy_v1::PodDisruptionBudget;

constexpr std::string_view kReady = "status: {conditions: [{type: Ready, status: 'True'}]}";

std::vector<Pod> pods(std::string_view yaml) { return objectsOf<Pod>(std::string(yaml)); }

// Ready pods a, b, c of a workload that wants four.
const std::string kThree = "{metadata: {name: a}, " + std::string(kReady) + "}\n---\n{metadata: {name: b}, " +
                           std::string(kReady) + "}\n---\n{metadata: {name: c}, " + std::string(kReady) + "}";

std::optional<Workload> ofFour(const Pod&) { return Workload{"w", 4}; }
std::optional<Workload> ofNone(const Pod&) { return std::nullopt; }

BudgetStatus decide(std::string_view budget, const std::string& podsYaml, const WorkloadOf& workloadOf = ofFour) {
  return decideBudgetStatus(PodDisruptionBudget(objectOf(budget)), pods(podsYaml), workloadOf, kNow);
}

TEST(DisruptionBudget, AllowsWhatItsPodsCanSpare) {
  const struct {
    std::string_view name, spec;
    WorkloadOf workloadOf;
    std::string_view expected;  // healthy/desired/expected, allowed
  } cases[] = {
      {"a number that must stay is taken of the pods there are", "{minAvailable: 2}", ofNone, "3/2/3 1"},
      {"more than there are", "{minAvailable: 5}", ofNone, "3/5/3 0"},
      {"a percentage that must stay is taken of what should be, rounded up", "{minAvailable: 60%}", ofFour, "3/3/4 0"},
      {"a number that may go is taken of what should be", "{maxUnavailable: 2}", ofFour, "3/2/4 1"},
      {"a percentage that may go", "{maxUnavailable: 50%}", ofFour, "3/2/4 1"},
      {"all may go", "{maxUnavailable: 100%}", ofFour, "3/0/4 3"},
      {"more may go than there are", "{maxUnavailable: 9}", ofFour, "3/0/4 3"},
      {"pods that no workload makes have no number to go by", "{maxUnavailable: 1}", ofNone, "3/0/0 0"},
      {"a budget that says nothing allows nothing", "{}", ofFour, "3/0/0 0"},
  };
  for (const auto& [name, spec, workloadOf, expected] : cases) {
    const auto status =
        decide("{metadata: {name: b, generation: 2}, spec: " + std::string(spec) + "}", kThree, workloadOf).status;
    auto number = [&](std::string_view key) { return std::to_string(json::getInt(status, key)); };
    EXPECT_EQ(number("currentHealthy") + "/" + number("desiredHealthy") + "/" + number("expectedPods") + " " +
                  number("disruptionsAllowed"),
              expected)
        << name;
    EXPECT_EQ(json::getInt(status, "observedGeneration"), 2) << name;
  }
}

TEST(DisruptionBudget, CountsOnlyPodsThatServe) {
  const auto status = decide("{metadata: {name: b}, spec: {minAvailable: 1}}",
                             kThree +
                                 "\n---\n{metadata: {name: d}, status: {conditions: [{type: Ready, status: 'False'}]}}"
                                 "\n---\n{metadata: {name: e, deletionTimestamp: '2026-01-01T00:00:00Z'}, " +
                                 std::string(kReady) + "}")
                          .status;
  EXPECT_EQ(json::getInt(status, "currentHealthy"), 3);
  EXPECT_EQ(json::getInt(status, "expectedPods"), 5);
}

TEST(DisruptionBudget, RemembersEvictionsThatWereGrantedForTwoMinutes) {
  // kNow is 00:10:00. `a` was granted a minute ago, `b` three minutes ago and is still there, `gone` has gone.
  const auto decided = decide(
      "{metadata: {name: b}, spec: {minAvailable: 1}, status: {disruptedPods: {a: '2026-01-01T00:09:00Z', "
      "b: '2026-01-01T00:07:00Z', gone: '2026-01-01T00:09:30Z'}}}",
      kThree);
  EXPECT_EQ(json::serialize(decided.status.at("disruptedPods")), R"({"a":"2026-01-01T00:09:00Z"})");
  EXPECT_EQ(json::getInt(decided.status, "currentHealthy"), 2);
  EXPECT_EQ(decided.recheckAt, kNow + std::chrono::minutes(1));
}

TEST(DisruptionBudget, SaysItInACondition) {
  const auto allowed = decide("{metadata: {name: b, generation: 1}, spec: {minAvailable: 1}}", kThree).status;
  EXPECT_EQ(json::serialize(allowed.at("conditions")),
            R"([{"type":"DisruptionAllowed","status":"True","lastTransitionTime":"2026-01-01T00:10:00Z",)"
            R"("reason":"SufficientPods","message":"","observedGeneration":1}])");
  const auto refused = decide("{metadata: {name: b}, spec: {minAvailable: 3}}", kThree).status;
  EXPECT_EQ(json::getString(refused.at("conditions").at(0), "reason"), "InsufficientPods");
}

}  // namespace
}  // namespace wherry::controllers
