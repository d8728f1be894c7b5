#include "apiserver/stored_form.h"

#include <gtest/gtest.h>

#include "json/yaml.h"

namespace wherry::apiserver {
namespace {

TEST(StoredForm, LaysOutKeys) {
  EXPECT_EQ(objectKey({"", "pods"}, "default", "web"), "/registry/pods/default/web");
  EXPECT_EQ(objectKey({"apps", "deployments"}, "a", "d"), "/registry/apps/deployments/a/d");
  EXPECT_EQ(objectKey({"", "namespaces"}, "", "default"), "/registry/namespaces/default");
  EXPECT_EQ(collectionPrefix({"", "pods"}, "a"), "/registry/pods/a/");
  auto key = parseObjectKey("/registry/pods/default/web", "/registry/pods/");
  EXPECT_EQ(key.ns, "default");
  EXPECT_EQ(key.name, "web");
}

TEST(StoredForm, WritesMetadataFirstWithTheRevisionAndWithoutTypeMeta) {
  auto object = json::parseYaml(R"(
apiVersion: v1
kind: ConfigMap
status: {}
data: {a: "1"}
metadata:
  labels: {b: x, a: y}
  uid: u1
  name: cm
  resourceVersion: "7"
)");
  auto bytes = renderStored(object)(42);
  EXPECT_EQ(bytes, R"({"metadata":{"name":"cm","uid":"u1","resourceVersion":"42","labels":{"a":"y","b":"x"}},)"
                   R"("data":{"a":"1"},"status":{}})");
  EXPECT_EQ(withRevision(bytes, 9).substr(0, 60), R"({"metadata":{"name":"cm","uid":"u1","resourceVersion":"9","l)");
  EXPECT_EQ(withTypeMeta("v1", "ConfigMap", R"({"metadata":{}})"),
            R"({"kind":"ConfigMap","apiVersion":"v1","metadata":{}})");
}

TEST(StoredForm, WhoFollowsGetsNoManagedFields) {
  schema::Kind kind;
  kind.resource = {"", "v1", "configmaps", "ConfigMap"};
  EXPECT_EQ(withoutManagedFields(kind, R"({"metadata":{"name":"a","managedFields":[{"x":"]"}]},"data":{}})"),
            R"({"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"a"},"data":{}})");
  EXPECT_EQ(withoutManagedFields(kind, R"({"metadata":{"name":"a"},"data":{"managedFields":"b"}})"),
            R"({"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"a"},"data":{"managedFields":"b"}})");
}

TEST(StoredForm, IndexesUidAndLabels) {
  auto index = indexStored("", R"({"metadata":{"uid":"u1","labels":{"a":"1","b":"x\"y"}}})");
  EXPECT_EQ(index.uid, "u1");
  ASSERT_EQ(index.labels.size(), 2U);
  EXPECT_EQ(index.labels[1].second, "x\"y");
}

}  // namespace
}  // namespace wherry::apiserver
