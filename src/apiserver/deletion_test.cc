#include "apiserver/deletion.h"

#include <gtest/gtest.h>

#include "json/yaml.h"
#include "meta/time.h"

namespace wherry::apiserver {
namespace {

schema::Kind kindOf(const char* group, const char* resource) {
  schema::Kind kind;
  kind.resource.group = group;
  kind.resource.resource = resource;
  return kind;
}

struct Case {
  const char* sentence;
  const char* group;
  const char* resource;
  const char* stored;
  const char* options;  // DeleteOptions
  DeletionStep step;
  const char* metadata;  // what the plan's object says of deletion
};

client::DeleteOptions optionsOf(const char* yaml) {
  auto tree = json::parseYaml(yaml);
  client::DeleteOptions options;
  if (json::find(tree, "gracePeriodSeconds")) options.gracePeriodSeconds = json::getInt(tree, "gracePeriodSeconds");
  auto policy = json::getString(tree, "propagationPolicy");
  if (policy == "Foreground") options.propagation = client::Propagation::kForeground;
  if (policy == "Background") options.propagation = client::Propagation::kBackground;
  if (policy == "Orphan") options.propagation = client::Propagation::kOrphan;
  return options;
}

constexpr auto kNow = "2026-01-01T00:01:00Z";

constexpr Case kCases[] = {
    {"a plain object goes at once", "", "configmaps", "metadata: {name: a}", "{}", DeletionStep::kRemove, "{name: a}"},
    {"finalizers hold an object, marked", "apps", "deployments",
     "metadata: {name: a, generation: 3, finalizers: [x.io/y]}", "{}", DeletionStep::kMark,
     "{name: a, generation: 4, finalizers: [x.io/y], deletionTimestamp: '2026-01-01T00:01:00Z', "
     "deletionGracePeriodSeconds: 0}"},
    {"a marked object stays as it is", "", "configmaps",
     "metadata: {name: a, finalizers: [x.io/y], deletionTimestamp: '2026-01-01T00:00:00Z', deletionGracePeriodSeconds: "
     "0}",
     "{}", DeletionStep::kKeep,
     "{name: a, finalizers: [x.io/y], deletionTimestamp: '2026-01-01T00:00:00Z', deletionGracePeriodSeconds: 0}"},
    {"foreground is a finalizer", "", "configmaps", "metadata: {name: a}", "propagationPolicy: Foreground",
     DeletionStep::kMark,
     "{name: a, finalizers: [foregroundDeletion], deletionTimestamp: '2026-01-01T00:01:00Z', "
     "deletionGracePeriodSeconds: 0}"},
    {"orphaning takes the place of foreground", "", "configmaps",
     "metadata: {name: a, finalizers: [foregroundDeletion]}", "propagationPolicy: Orphan", DeletionStep::kMark,
     "{name: a, finalizers: [orphan], deletionTimestamp: '2026-01-01T00:01:00Z', deletionGracePeriodSeconds: 0}"},
    {"a Job leaves its pods unless it is told otherwise", "batch", "jobs", "metadata: {name: a}", "{}",
     DeletionStep::kMark,
     "{name: a, finalizers: [orphan], deletionTimestamp: '2026-01-01T00:01:00Z', deletionGracePeriodSeconds: 0}"},
    {"told otherwise, it goes", "batch", "jobs", "metadata: {name: a}", "propagationPolicy: Background",
     DeletionStep::kRemove, "{name: a}"},
    {"one that waits for its pods goes on waiting", "batch", "jobs",
     "metadata: {name: a, finalizers: [foregroundDeletion], deletionTimestamp: '2026-01-01T00:00:00Z', "
     "deletionGracePeriodSeconds: 0}",
     "{}", DeletionStep::kKeep,
     "{name: a, finalizers: [foregroundDeletion], deletionTimestamp: '2026-01-01T00:00:00Z', "
     "deletionGracePeriodSeconds: 0}"},
    {"so does a ReplicationController", "", "replicationcontrollers", "metadata: {name: a}", "{}", DeletionStep::kMark,
     "{name: a, finalizers: [orphan], deletionTimestamp: '2026-01-01T00:01:00Z', deletionGracePeriodSeconds: 0}"},
    {"background takes both away", "", "configmaps", "metadata: {name: a, finalizers: [orphan]}",
     "propagationPolicy: Background", DeletionStep::kRemove, "{name: a, finalizers: [orphan]}"},
    {"a pod on a node gets the grace that it asks for", "", "pods",
     "{metadata: {name: a, generation: 1}, spec: {nodeName: n, terminationGracePeriodSeconds: 20}}", "{}",
     DeletionStep::kMark,
     "{name: a, generation: 2, deletionTimestamp: '2026-01-01T00:01:20Z', deletionGracePeriodSeconds: 20}"},
    {"a pod without a node goes at once", "", "pods",
     "{metadata: {name: a}, spec: {terminationGracePeriodSeconds: 20}}", "{}", DeletionStep::kRemove,
     "{name: a, deletionTimestamp: '2026-01-01T00:01:00Z', deletionGracePeriodSeconds: 0}"},
    {"a pod that has ended goes at once", "", "pods",
     "{metadata: {name: a}, spec: {nodeName: n}, status: {phase: Failed}}", "{}", DeletionStep::kRemove,
     "{name: a, deletionTimestamp: '2026-01-01T00:01:00Z', deletionGracePeriodSeconds: 0}"},
    {"a running grace is made shorter", "", "pods",
     "{metadata: {name: a, deletionTimestamp: '2026-01-01T00:01:30Z', deletionGracePeriodSeconds: 30}, spec: "
     "{nodeName: n}}",
     "gracePeriodSeconds: 5", DeletionStep::kMark,
     "{name: a, deletionTimestamp: '2026-01-01T00:01:05Z', deletionGracePeriodSeconds: 5}"},
    {"and never longer", "", "pods",
     "{metadata: {name: a, deletionTimestamp: '2026-01-01T00:01:30Z', deletionGracePeriodSeconds: 30}, spec: "
     "{nodeName: n}}",
     "gracePeriodSeconds: 60", DeletionStep::kKeep,
     "{name: a, deletionTimestamp: '2026-01-01T00:01:30Z', deletionGracePeriodSeconds: 30}"},
    {"the kubelet's last word removes the pod", "", "pods",
     "{metadata: {name: a, deletionTimestamp: '2026-01-01T00:01:30Z', deletionGracePeriodSeconds: 30}, spec: "
     "{nodeName: n}}",
     "gracePeriodSeconds: 0", DeletionStep::kRemove,
     "{name: a, deletionTimestamp: '2026-01-01T00:01:00Z', deletionGracePeriodSeconds: 0}"},
    {"a namespace first ends its content", "", "namespaces", "{metadata: {name: a}, spec: {finalizers: [kubernetes]}}",
     "{}", DeletionStep::kMark, "{name: a, deletionTimestamp: '2026-01-01T00:01:00Z'}"},
    {"a definition first ends its custom resources", "apiextensions.k8s.io", "customresourcedefinitions",
     "{metadata: {name: a}}", "{}", DeletionStep::kMark,
     "{name: a, deletionTimestamp: '2026-01-01T00:01:00Z', finalizers: [customresourcecleanup.apiextensions.k8s.io]}"},
};

TEST(Deletion, DecidesWhatADeleteDoes) {
  for (const auto& c : kCases) {
    auto plan = planDeletion(kindOf(c.group, c.resource), json::parseYaml(c.stored), optionsOf(c.options),
                             *meta::parseTime(kNow));
    EXPECT_EQ(plan.step, c.step) << c.sentence;
    auto expected = json::parseYaml(c.metadata);
    EXPECT_TRUE(json::equal(plan.object.at("metadata"), expected))
        << c.sentence << ": " << json::serialize(plan.object.at("metadata"));
  }
}

}  // namespace
}  // namespace wherry::apiserver
