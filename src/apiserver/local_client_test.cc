// The in-process client sees and does what an HTTP client does.
#include "apiserver/local_client.h"

#include <atomic>

#include <gtest/gtest.h>

#include "apiserver/api_script.h"
#include "base/metrics_test_support.h"
#include "client/request_metrics.h"
#include "json/yaml.h"

namespace wherry::apiserver {
namespace {

const meta::Resource kConfigMaps{"", "v1", "configmaps", "ConfigMap", meta::Scope::kNamespaced};

TEST(LocalClient, WritesAndReadsObjectsWithTypeMeta) {
  ApiWorld world;
  auto& client = world.api().client();
  auto made = client.create(kConfigMaps, "default", json::parseYaml("{metadata: {name: cm}, data: {a: '1'}}"));
  EXPECT_EQ(made->kind(), "ConfigMap");
  EXPECT_GT(made->revision(), 0);
  auto patched =
      client.patch(kConfigMaps, "default", "cm", client::PatchType::kMerge, json::parseYaml("data: {b: '2'}"));
  EXPECT_EQ(json::getString(patched->tree(), "data.b"), "2");
  EXPECT_EQ(client.list(kConfigMaps, "default", {"", "metadata.name=cm", ""}).items.size(), 1U);
  try {
    client.update(kConfigMaps, "default", made->tree());
    FAIL() << "an update of an older state is a conflict";
  } catch (const meta::StatusError& error) {
    EXPECT_TRUE(error.isConflict());
  }
  client.remove(kConfigMaps, "default", "cm");
  EXPECT_THROW(client.get(kConfigMaps, "default", "cm"), meta::StatusError);
}

TEST(LocalClient, CountsItsRequestsAsAnHttpClientDoes) {
  ApiWorld world;
  auto& client = world.api().client();
  auto count = [](const std::string& code, const std::string& method) {
    return base::metrics::valueOf(client::requestFamilies(), "rest_client_requests_total{code=\"" + code +
                                                                 "\",method=\"" + method + "\",host=\"local\"}");
  };
  const double created = count("201", "POST"), taken = count("409", "POST"), missing = count("404", "GET");
  client.create(kConfigMaps, "default", json::parseYaml("metadata: {name: counted}"));
  EXPECT_THROW(client.create(kConfigMaps, "default", json::parseYaml("metadata: {name: counted}")), meta::StatusError);
  EXPECT_THROW(client.get(kConfigMaps, "default", "missing"), meta::StatusError);
  EXPECT_EQ(count("201", "POST"), created + 1);
  EXPECT_EQ(count("409", "POST"), taken + 1);
  EXPECT_EQ(count("404", "GET"), missing + 1);
}

TEST(LocalClient, AWatchBeginsWithWhatIsThereAndEndsWhenItIsTold) {
  ApiWorld world;
  auto& client = world.api().client();
  client.create(kConfigMaps, "default", json::parseYaml("metadata: {name: a}"));
  auto watch = client.watch(kConfigMaps, "default", {});
  EXPECT_EQ(watch->next({}).value().object->metadata().name(), "a");
  client.create(kConfigMaps, "default", json::parseYaml("metadata: {name: b}"));
  EXPECT_EQ(watch->next({}).value().object->metadata().name(), "b");
  std::stop_source stop;
  stop.request_stop();
  EXPECT_FALSE(watch->next(stop.get_token()));
}

TEST(LocalClient, WhatIsFollowedCanBeWrittenBackAndKeepsItsManagers) {
  ApiWorld world;
  auto& client = world.api().client();
  client.create(kConfigMaps, "default", json::parseYaml("{metadata: {name: a}, data: {a: '1'}}"));
  auto hasManagers = [](const meta::ObjectPtr& object) {
    return json::find(object->tree(), "metadata.managedFields") != nullptr;
  };
  auto listed = client.list(kConfigMaps, "default", {"", "metadata.name=a", ""}).items.at(0);
  auto watched = client.watch(kConfigMaps, "default", {"", "metadata.name=a", ""})->next({}).value().object;
  EXPECT_FALSE(hasManagers(listed));
  EXPECT_FALSE(hasManagers(watched));
  client.update(kConfigMaps, "default", watched->tree());
  EXPECT_TRUE(hasManagers(client.get(kConfigMaps, "default", "a")));
}

TEST(LocalClient, AnEmptyWatchSaysWhenThereIsSomething) {
  ApiWorld world;
  auto& client = world.api().client();
  auto watch = client.watch(kConfigMaps, "default", {});
  std::atomic<int> calls{0};
  watch->onReady([&] {
    ++calls;
    calls.notify_all();
  });
  EXPECT_FALSE(watch->tryNext());
  client.create(kConfigMaps, "default", json::parseYaml("metadata: {name: a}"));
  calls.wait(0);
  EXPECT_TRUE(watch->tryNext());
  EXPECT_FALSE(watch->tryNext());
  EXPECT_EQ(calls, 1);
}

}  // namespace
}  // namespace wherry::apiserver
