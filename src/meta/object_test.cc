#include "meta/object.h"

#include <gtest/gtest.h>

namespace wherry::meta {
namespace {

TEST(ObjectTest, readsItsMetadata) {
  Object pod(json::parse(
      R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"p","namespace":"ns","uid":"u","resourceVersion":"7",
      "generation":2,"labels":{"a":"b"},"finalizers":["x"],"deletionTimestamp":"2026-01-02T03:04:05Z","deletionGracePeriodSeconds":30,
      "ownerReferences":[{"name":"other"},{"name":"rs","controller":true}]}})"));
  Metadata metadata = pod.metadata();
  EXPECT_EQ(pod.key().text(), "ns/p");
  EXPECT_EQ(pod.revision(), 7);
  EXPECT_EQ(metadata.generation(), 2);
  EXPECT_EQ(metadata.label("a"), "b");
  EXPECT_EQ(metadata.annotation("a"), "");
  EXPECT_TRUE(metadata.hasFinalizer("x"));
  EXPECT_TRUE(metadata.deleting());
  EXPECT_EQ(metadata.deletionGracePeriodSeconds(), 30);
  ASSERT_NE(metadata.controllerRef(), nullptr);
  EXPECT_EQ(metadata.controllerRef()->at("name"), "rs");
}

TEST(ObjectTest, missingMetadataReadsAsEmpty) {
  Object object(json::parse(R"({"kind":"X"})"));
  EXPECT_EQ(object.metadata().name(), "");
  EXPECT_TRUE(object.metadata().labels().empty());
  EXPECT_EQ(object.metadata().controllerRef(), nullptr);
  EXPECT_EQ(object.revision(), 0);
}

TEST(ObjectTest, makesOwnerReferences) {
  Object owner(json::parse(R"({"apiVersion":"apps/v1","kind":"ReplicaSet","metadata":{"name":"rs","uid":"u"}})"));
  EXPECT_EQ(
      json::serialize(controllerReference(owner)),
      R"({"apiVersion":"apps/v1","kind":"ReplicaSet","name":"rs","uid":"u","controller":true,"blockOwnerDeletion":true})");
}

TEST(GvkTest, namesAndPaths) {
  EXPECT_EQ(GroupVersion::parse("v1").apiVersion(), "v1");
  EXPECT_EQ(GroupVersion::parse("apps/v1").group, "apps");
  EXPECT_EQ((GroupResource{"apps", "deployments"}).text(), "deployments.apps");
  Resource deployments{"apps", "v1", "deployments", "Deployment", Scope::kNamespaced};
  EXPECT_EQ(deployments.path("default", "web", "status"), "/apis/apps/v1/namespaces/default/deployments/web/status");
  EXPECT_EQ((Resource{"", "v1", "nodes", "Node", Scope::kCluster}).path("", "n1"), "/api/v1/nodes/n1");
  EXPECT_EQ(ObjectKey::parse("ns/p"), (ObjectKey{"ns", "p"}));
  EXPECT_EQ(ObjectKey::parse("p"), (ObjectKey{"", "p"}));
}

}  // namespace
}  // namespace wherry::meta
