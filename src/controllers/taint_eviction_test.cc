#include "controllers/taint_eviction.h"

#include <gtest/gtest.h>

#include "controllers/test_objects.h"

namespace wherry::controllers {
namespace {

using core_v1::Node;
using core_v1::Pod;

TEST(TaintEviction, APodStaysAsLongAsItToleratesEveryTaint) {
  constexpr std::string_view kOne = "[{key: gpu, value: old, effect: NoExecute}]";
  constexpr std::string_view kTwo = "[{key: gpu, value: old, effect: NoExecute}, {key: disk, effect: NoExecute}]";
  constexpr int kForGood = -1;
  const struct {
    std::string_view name, taints, tolerations;
    int64_t expected;  // seconds
  } cases[] = {
      {"no taints", "[]", "[]", kForGood},
      {"a taint that only keeps new pods away", "[{key: gpu, effect: NoSchedule}]", "[]", kForGood},
      {"not tolerated", kOne, "[]", 0},
      {"tolerated for good", kOne, "[{key: gpu, operator: Exists}]", kForGood},
      {"tolerated by value", kOne, "[{key: gpu, value: old, effect: NoExecute}]", kForGood},
      {"another value", kOne, "[{key: gpu, operator: Equal, value: new, effect: NoExecute}]", 0},
      {"another effect", kOne, "[{key: gpu, operator: Exists, effect: NoSchedule}]", 0},
      {"everything is tolerated", kTwo, "[{operator: Exists}]", kForGood},
      {"for a time", kOne, "[{key: gpu, operator: Exists, effect: NoExecute, tolerationSeconds: 30}]", 30},
      {"a negative time is none", kOne, "[{key: gpu, operator: Exists, effect: NoExecute, tolerationSeconds: -5}]", 0},
      {"the shortest time counts", kTwo,
       "[{key: gpu, operator: Exists, tolerationSeconds: 30}, {key: disk, operator: Exists, tolerationSeconds: 20}]",
       20},
      {"one of two is not tolerated", kTwo, "[{key: gpu, operator: Exists}]", 0},
  };
  for (const auto& [name, taints, tolerations, expected] : cases) {
    const Node node(objectOf("{spec: {taints: " + std::string(taints) + "}}"));
    const Pod pod(objectOf("{spec: {tolerations: " + std::string(tolerations) + "}}"));
    const auto stay = decideStay(pod, node);
    EXPECT_EQ(stay ? stay->count() : kForGood, expected) << name;
  }
}

}  // namespace
}  // namespace wherry::controllers
