#include "controllers/deployment_rollout.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/strings.h"
#include "controllers/test_objects.h"

namespace wherry::controllers {
namespace {

using apps_v1::Deployment;
using apps_v1::ReplicaSet;

// The template says which generation a ReplicaSet is: image "v3" is the Deployment's own.
struct Case {
  std::string_view name;
  std::string_view deployment;   // spec
  std::string_view replicaSets;  // one a line: name image spec.replicas availableReplicas [desired/max as annotated]
  std::string_view expected;     // "name: from -> to", one after the other
};

Deployment deploymentOf(std::string_view spec) {
  json::Value tree = json::parseYaml("{metadata: {name: web, uid: d1}, status: {replicas: 10}}");
  tree.as_object()["spec"] = json::parseYaml(spec);
  tree.at("spec").as_object()["template"] =
      json::parseYaml("{metadata: {labels: {}}, spec: {containers: [{name: a, image: v3}]}}");
  return Deployment(std::make_shared<const meta::Object>(std::move(tree)));
}

ReplicaSet replicaSetOf(std::string_view line, int index) {
  const auto words = base::split(line, ' ');
  std::string annotations = "{}";
  if (words.size() > 4) {
    const auto sizes = *base::splitOnce(words[4], '/');
    annotations = fmt::format("{{{}: '{}', {}: '{}'}}", kDesiredReplicas, sizes.first, kMaxReplicas, sizes.second);
  }
  return ReplicaSet(
      objectOf(fmt::format(R"(
metadata: {{name: {}, uid: {}, creationTimestamp: '2026-01-01T00:00:{:02}Z', annotations: {}}}
spec: {{replicas: {}, template: {{metadata: {{labels: {{pod-template-hash: x}}}}, spec: {{containers: [{{name: a, image: {}}}]}}}}}}
status: {{replicas: {}, availableReplicas: {}}}
)",
                           words[0], words[0], index, annotations, words[2], words[1], words[2], words[3])));
}

Generations generationsOf(const Deployment& deployment, std::string_view lines) {
  std::vector<ReplicaSet> replicaSets;
  for (const auto line : base::split(lines, '\n')) {
    if (!base::trim(line).empty())
      replicaSets.push_back(replicaSetOf(base::trim(line), static_cast<int>(replicaSets.size())));
  }
  return sortGenerations(deployment, replicaSets);
}

std::string render(const std::vector<ScaleAction>& actions) {
  std::vector<std::string> parts;
  for (const auto& action : actions) {
    parts.push_back(fmt::format("{}: {} -> {}", action.replicaSet.metadata().name(),
                                action.replicaSet.spec().replicas(), action.replicas));
  }
  return base::join(parts, ", ");
}

constexpr std::string_view kTen = "{replicas: 10, strategy: {rollingUpdate: {maxSurge: 25%, maxUnavailable: 25%}}}";

TEST(RollingUpdate, TakesTheNextStep) {
  const Case cases[] = {
      {"the new one first grows into the surge", kTen, "old v1 10 10\nnew v3 0 0", "new: 0 -> 3"},
      {"then the old one shrinks to what must be available", kTen, "old v1 10 10\nnew v3 3 0", "old: 10 -> 8"},
      {"nothing moves until new pods are available", kTen, "old v1 8 8\nnew v3 5 0", ""},
      {"each available new pod lets an old one go", kTen, "old v1 8 8\nnew v3 5 2", "old: 8 -> 6"},
      {"old pods that serve nobody go first, from the oldest", kTen, "older v1 5 5\nold v2 5 0\nnew v3 3 3",
       "old: 5 -> 0"},
      {"at the end nothing is left to do", kTen, "old v1 0 0\nnew v3 10 10", ""},
      {"without surge the old one gives way first",
       "{replicas: 4, strategy: {rollingUpdate: {maxSurge: 0, maxUnavailable: 1}}}", "old v1 4 4\nnew v3 0 0",
       "old: 4 -> 3"},
      {"neither surge nor unavailable still gets on, one pod at a time",
       "{replicas: 2, strategy: {rollingUpdate: {maxSurge: 0, maxUnavailable: 25%}}}", "old v1 2 2\nnew v3 0 0",
       "old: 2 -> 1"},
      {"a new one that is too large shrinks", "{replicas: 2}", "new v3 5 5", "new: 5 -> 2"},
      {"defaults are 25% each", "{replicas: 4}", "old v1 4 4\nnew v3 0 0", "new: 0 -> 1"},
  };
  for (const auto& [name, spec, replicaSets, expected] : cases) {
    const auto deployment = deploymentOf(spec);
    EXPECT_EQ(render(decideRollingUpdate(deployment, generationsOf(deployment, replicaSets))), expected) << name;
  }
}

TEST(Recreate, FirstTakesAllOldPodsThenMakesTheNew) {
  const auto deployment = deploymentOf("{replicas: 3, strategy: {type: Recreate}}");
  const auto generations = generationsOf(deployment, "older v1 1 1\nold v2 2 2\nnew v3 0 0");
  EXPECT_EQ(render(decideScaleDownForRecreate(generations)), "older: 1 -> 0, old: 2 -> 0");
  EXPECT_EQ(render(decideScaleUpForRecreate(deployment, generations)), "new: 0 -> 3");
  EXPECT_EQ(initialReplicas(deployment, generations.old), 3);
}

TEST(Scaling, SpreadsAChangeInProportion) {
  const Case cases[] = {
      {"the only active ReplicaSet gets everything", "{replicas: 5}", "old v1 0 0\nnew v3 3 3 3/4", "new: 3 -> 5"},
      {"an old one too, when it is the only active one", "{replicas: 5}", "old v1 3 3 3/4", "old: 3 -> 5"},
      {"in the middle of a rollout all grow by their part",
       "{replicas: 20, strategy: {rollingUpdate: {maxSurge: 3, maxUnavailable: 2}}}",
       "old v1 8 8 10/13\nnew v3 5 5 10/13", "old: 8 -> 14, new: 5 -> 9"},
      {"... and shrink by it", "{replicas: 5, strategy: {rollingUpdate: {maxSurge: 3, maxUnavailable: 2}}}",
       "old v1 8 8 10/13\nnew v3 5 5 10/13", "old: 8 -> 5, new: 5 -> 3"},
      {"to zero everything goes", "{replicas: 0}", "old v1 8 8 10/13\nnew v3 5 5 10/13", "old: 8 -> 0, new: 5 -> 0"},
  };
  for (const auto& [name, spec, replicaSets, expected] : cases) {
    const auto deployment = deploymentOf(spec);
    const auto generations = generationsOf(deployment, replicaSets);
    EXPECT_TRUE(isScaling(deployment, generations)) << name;
    EXPECT_EQ(render(decideScaling(deployment, generations)), expected) << name;
  }
}

TEST(Scaling, IsOnlyWhatTheUserChanged) {
  const auto deployment = deploymentOf("{replicas: 3}");
  EXPECT_FALSE(isScaling(deployment, generationsOf(deployment, "old v1 1 1 3/4\nnew v3 2 2 3/4")));
  EXPECT_FALSE(isScaling(deployment, generationsOf(deployment, "old v1 0 0 9/9\nnew v3 3 3 3/4")));
}

}  // namespace
}  // namespace wherry::controllers
