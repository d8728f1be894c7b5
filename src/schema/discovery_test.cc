#include <gtest/gtest.h>

#include "schema/openapi.h"

namespace wherry::schema {
namespace {

const json::Value* findNamed(const json::Value& list, std::string_view key, std::string_view name) {
  for (const json::Value& entry : list.get_array()) {
    if (json::getString(entry, key) == name) return &entry;
  }
  return nullptr;
}

std::string resource(std::string_view groupVersion, std::string_view name) {
  json::Value list = apiResourceList(*builtinRegistry(), meta::GroupVersion::parse(groupVersion));
  const json::Value* entry = findNamed(list.at("resources"), "name", name);
  return entry == nullptr ? "" : json::serialize(*entry);
}

struct Case {
  const char* name;
  const char* groupVersion;
  const char* resource;
  const char* expected;
};

class ApiResourceListTest : public testing::TestWithParam<Case> {};

TEST_P(ApiResourceListTest, describes) {
  EXPECT_EQ(resource(GetParam().groupVersion, GetParam().resource), GetParam().expected) << GetParam().name;
}

INSTANTIATE_TEST_SUITE_P(
    Table, ApiResourceListTest,
    testing::Values(
        Case{
            "a core resource", "v1", "pods",
            R"({"name":"pods","singularName":"pod","namespaced":true,"kind":"Pod","verbs":["create","delete","deletecollection","get","list","patch","update","watch"],"shortNames":["po"],"categories":["all"],"storageVersionHash":"xPOwRZ+Yhw8="})"},
        Case{
            "a cluster's resource without some verbs", "v1", "namespaces",
            R"({"name":"namespaces","singularName":"namespace","namespaced":false,"kind":"Namespace","verbs":["create","delete","get","list","patch","update","watch"],"shortNames":["ns"],"storageVersionHash":"Q3oi5N2YM8M="})"},
        Case{
            "a subresource of its own kind", "apps/v1", "deployments/status",
            R"({"name":"deployments/status","singularName":"","namespaced":true,"kind":"Deployment","verbs":["get","patch","update"]})"},
        Case{
            "a subresource of another group's kind", "apps/v1", "deployments/scale",
            R"({"name":"deployments/scale","singularName":"","namespaced":true,"group":"autoscaling","version":"v1","kind":"Scale","verbs":["get","patch","update"]})"},
        Case{"a virtual kind has no storage", "v1", "bindings",
             R"({"name":"bindings","singularName":"binding","namespaced":true,"kind":"Binding","verbs":["create"]})"},
        Case{"an unknown one", "v1", "boats", ""}));

TEST(DiscoveryTest, namesTheVersionsOfAGroup) {
  EXPECT_EQ(
      json::serialize(apiGroup(*builtinRegistry(), "autoscaling")),
      R"({"kind":"APIGroup","apiVersion":"v1","name":"autoscaling","versions":[{"groupVersion":"autoscaling/v2","version":"v2"},)"
      R"({"groupVersion":"autoscaling/v1","version":"v1"}],"preferredVersion":{"groupVersion":"autoscaling/v2","version":"v2"}})");
  EXPECT_TRUE(apiGroup(*builtinRegistry(), "boats.example.com").is_null());
  EXPECT_TRUE(apiResourceList(*builtinRegistry(), {"apps", "v9"}).is_null());
}

TEST(DiscoveryTest, leavesTheCoreGroupOutOfTheList) {
  json::Value list = apiGroupList(*builtinRegistry());
  EXPECT_EQ(findNamed(list.at("groups"), "name", ""), nullptr);
  EXPECT_NE(findNamed(list.at("groups"), "name", "apps"), nullptr);
}

TEST(DiscoveryTest, aggregatesAllGroups) {
  json::Value api = aggregatedDiscovery(*builtinRegistry(), DiscoveryRoot::kApi, "v2");
  ASSERT_EQ(api.at("items").get_array().size(), 1u);
  const json::Value* pods = findNamed(api.at("items").at(0).at("versions").at(0).at("resources"), "resource", "pods");
  ASSERT_NE(pods, nullptr);
  const json::Value* eviction = findNamed(pods->at("subresources"), "subresource", "eviction");
  ASSERT_NE(eviction, nullptr);
  EXPECT_EQ(
      json::serialize(*eviction),
      R"({"subresource":"eviction","responseKind":{"group":"policy","version":"v1","kind":"Eviction"},"verbs":["create"]})");
  json::Value apis = aggregatedDiscovery(*builtinRegistry(), DiscoveryRoot::kApis, "v2beta1");
  EXPECT_EQ(json::getString(apis, "apiVersion"), "apidiscovery.k8s.io/v2beta1");
  EXPECT_NE(findNamed(apis.at("items"), "metadata.name", "apps"), nullptr);
}

}  // namespace
}  // namespace wherry::schema
