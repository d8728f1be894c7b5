// The default roles over restarts: an API server is started on a store that another one has left.
#include <gtest/gtest.h>

#include "apiserver/api_server.h"
#include "json/value.h"

namespace wherry::apiserver {
namespace {

const meta::Resource kClusterRoles{"rbac.authorization.k8s.io", "v1", "clusterroles", "ClusterRole",
                                   meta::Scope::kCluster};
const meta::Resource kClusterRoleBindings{"rbac.authorization.k8s.io", "v1", "clusterrolebindings",
                                          "ClusterRoleBinding", meta::Scope::kCluster};

class RoleKeeperTest : public testing::Test {
 protected:
  // What `act` does to a cluster that has run; then it is started again, and `look` sees it.
  void restartAfter(const std::function<void(client::Client&)>& act, const std::function<void(client::Client&)>& look) {
    {
      ApiServer first({.store = *store_, .kinds = schema::builtinRegistry()});
      first.start();
      act(first.client());
    }
    before_ = store_->revision();
    ApiServer second({.store = *store_, .kinds = schema::builtinRegistry()});
    second.start();
    look(second.client());
  }

  std::unique_ptr<storage::Store> store_ = storage::openMemoryStore(storeOptions(""));
  storage::Revision before_ = 0;
};

json::Value tree(client::Client& client, const meta::Resource& resource, const char* name) {
  return client.get(resource, "", name)->tree();
}

TEST_F(RoleKeeperTest, WritesNothingWhenNothingIsMissing) {
  restartAfter([](auto&) {}, [&](auto&) { EXPECT_EQ(store_->revision(), before_); });
}

TEST_F(RoleKeeperTest, MakesAgainWhatIsGone) {
  restartAfter([](client::Client& client) { client.remove(kClusterRoles, "", "view"); },
               [](client::Client& client) {
                 auto view = tree(client, kClusterRoles, "view");
                 EXPECT_FALSE(json::find(view, "rules")->as_array().empty());
               });
}

TEST_F(RoleKeeperTest, AddsTheRulesThatAreMissingAndKeepsTheOthers) {
  restartAfter(
      [](client::Client& client) {
        auto role = tree(client, kClusterRoles, "system:basic-user");
        json::Value own = json::parse(R"([{"verbs":["get"],"apiGroups":[""],"resources":["pods"]}])");
        role.as_object()["rules"] = std::move(own);
        client.update(kClusterRoles, "", role);
      },
      [](client::Client& client) {
        auto role = tree(client, kClusterRoles, "system:basic-user");
        EXPECT_EQ(json::getString(role, "rules.0.resources.0"), "pods");
        EXPECT_EQ(json::find(role, "rules")->as_array().size(), 4U) << "three single rights were added";
      });
}

TEST_F(RoleKeeperTest, LeavesAloneWhatSaysSo) {
  restartAfter(
      [](client::Client& client) {
        auto role = tree(client, kClusterRoles, "system:discovery");
        role.as_object()["rules"] = json::Array();
        role.at("metadata").at("annotations").as_object()["rbac.authorization.kubernetes.io/autoupdate"] = "false";
        client.update(kClusterRoles, "", role);
      },
      [](client::Client& client) {
        auto role = tree(client, kClusterRoles, "system:discovery");
        const auto* rules = json::find(role, "rules");
        EXPECT_TRUE(!rules || rules->is_null() || rules->as_array().empty());
      });
}

TEST_F(RoleKeeperTest, WhatAFinalizerHoldsKeepsNoServerFromStarting) {
  restartAfter(
      [](client::Client& client) {
        auto binding = tree(client, kClusterRoleBindings, "system:discovery");
        client.remove(kClusterRoleBindings, "", "system:discovery");
        binding.at("roleRef").as_object()["name"] = "cluster-admin";
        auto& metadata = binding.at("metadata").as_object();
        metadata.erase("resourceVersion");
        metadata["finalizers"] = json::Array{"example.com/held"};
        client.create(kClusterRoleBindings, "", binding);
      },
      [](client::Client& client) {
        auto binding = tree(client, kClusterRoleBindings, "system:discovery");
        EXPECT_NE(json::getString(binding, "metadata.deletionTimestamp"), "");
      });
}

TEST_F(RoleKeeperTest, ABindingToAnotherRoleIsMadeAnew) {
  restartAfter(
      [](client::Client& client) {
        auto binding = tree(client, kClusterRoleBindings, "system:discovery");
        client.remove(kClusterRoleBindings, "", "system:discovery");
        binding.at("roleRef").as_object()["name"] = "cluster-admin";
        binding.at("metadata").as_object().erase("resourceVersion");
        client.create(kClusterRoleBindings, "", binding);
      },
      [](client::Client& client) {
        auto binding = tree(client, kClusterRoleBindings, "system:discovery");
        EXPECT_EQ(json::getString(binding, "roleRef.name"), "system:discovery");
      });
}

}  // namespace
}  // namespace wherry::apiserver
