#include "apiserver/encryption_configuration.h"

#include <gtest/gtest.h>

#include "apiserver/api_server.h"
#include "apiserver/rewriting.h"
#include "apiserver/unreadable.h"
#include "meta/status.h"
#include "storage/sqlite_engine.h"
#include "storage/store_test_support.h"

namespace wherry::apiserver {
namespace {

constexpr std::string_view kHead =
    "apiVersion: apiserver.config.k8s.io/v1\nkind: EncryptionConfiguration\nresources:\n";

EncryptionConfiguration configured(const std::string& yaml) {
  return parseEncryptionConfiguration(std::string(kHead) + yaml);
}

std::string complaint(const std::string& yaml) {
  try {
    configured(yaml);
    return "";
  } catch (const std::runtime_error& error) {
    return error.what();
  }
}

constexpr auto kOld = "{name: old, secret: MDEyMzQ1Njc4OWFiY2RlZg==}";
constexpr auto kNew = "{name: new, secret: ZmVkY2JhOTg3NjU0MzIxMA==}";

std::string secretsWith(const std::string& providers) {
  return "- {resources: [secrets], providers: [" + providers + "]}";
}

TEST(EncryptionConfiguration, WhatIsWrongIsNamed) {
  struct Case {
    const char* name;
    std::string yaml;
    const char* wrong;
  };
  const std::vector<Case> cases = {
      {"a key of a wrong size", secretsWith("{aesgcm: {keys: [{name: a, secret: YQ==}]}}"),
       "resources[0].providers[0].aesgcm.keys[0].secret: Invalid value: \"REDACTED\": secret is not of the expected "
       "length, got 1, expected one of [16, 24, 32]"},
      {"a secret that is no base64", secretsWith("{aescbc: {keys: [{name: a, secret: '!'}]}}"),
       "resources[0].providers[0].aescbc.keys[0].secret: Invalid value: \"REDACTED\": secret must be base64 encoded"},
      {"no key", secretsWith("{secretbox: {keys: []}}"),
       "resources[0].providers[0].secretbox.keys: Required value: at least one is needed"},
      {"a key without a name", secretsWith("{aesgcm: {keys: [{secret: MDEyMzQ1Njc4OWFiY2RlZg==}]}}"),
       "resources[0].providers[0].aesgcm.keys[0].name: Required value: key must have a name"},
      {"two keys of one name", secretsWith(std::string("{aesgcm: {keys: [") + kOld + ", " + kOld + "]}}"),
       "resources[0].providers[0].aesgcm.keys[1].name: Duplicate value"},
      {"a key service", secretsWith("{kms: {name: x}}"),
       "resources[0].providers[0].kms: Forbidden: key management services are not supported; use aesgcm, aescbc or "
       "secretbox"},
      {"a star alone", "- {resources: ['*'], providers: [{identity: {}}]}",
       "resources[0].resources: Invalid value: \"*\": use '*.' to encrypt all the resources from core API group or *.* "
       "to encrypt all resources"},
      {"no provider", "- {resources: [secrets]}", "resources[0].providers: Required value: at least one is needed"},
  };
  for (const auto& each : cases) EXPECT_EQ(complaint(each.yaml), each.wrong) << each.name;
  EXPECT_THROW(parseEncryptionConfiguration("kind: Secret"), std::runtime_error);
}

TEST(EncryptionConfiguration, ThePatternsNameResources) {
  struct Case {
    const char* pattern;
    const char* key;
    bool covered;
  };
  const std::vector<Case> cases = {
      {"secrets", "/registry/secrets/default/a", true},
      {"secrets", "/registry/configmaps/default/a", false},
      {"deployments.apps", "/registry/apps/deployments/default/a", true},
      {"deployments", "/registry/apps/deployments/default/a", false},
      {"*.apps", "/registry/apps/statefulsets/default/a", true},
      {"*.apps", "/registry/secrets/default/a", false},
      {"*.", "/registry/secrets/default/a", true},
      {"*.", "/registry/namespaces/a", true},
      {"*.", "/registry/apps/deployments/default/a", false},
      {"*.", "/registry/rbac.authorization.k8s.io/clusterroles/a", false},
      {"*.*", "/registry/rbac.authorization.k8s.io/clusterroles/a", true},
  };
  for (const auto& each : cases) {
    auto configuration =
        configured(std::string("- {resources: ['") + each.pattern + "'], providers: [{identity: {}}]}");
    EXPECT_EQ(findEncryption(configuration, each.key) != nullptr, each.covered) << each.pattern << " " << each.key;
  }
}

constexpr std::string_view kKey = "/registry/secrets/default/a";
constexpr std::string_view kObject = R"({"metadata":{"name":"a","resourceVersion":"5"},"data":{"p":"aHVudGVyMg=="}})";

TEST(EncryptionConfiguration, TheFirstKeyWritesAndAllRead) {
  for (const std::string& provider : {"aesgcm", "aescbc", "secretbox"}) {
    bool box = provider == "secretbox";
    auto key = [&](const std::string& name, char first) {
      return "{name: " + name + ", secret: " + first +
             (box ? std::string(42, 'A') + "=" : std::string(21, 'A') + "==") + "}";
    };
    auto with = [&](const std::string& keys) {
      return makeTransformer(configured(secretsWith("{" + provider + ": {keys: [" + keys + "]}}")));
    };
    auto before = with(key("old", 'B')), both = with(key("new", 'C') + ", " + key("old", 'B')),
         after = with(key("new", 'C'));
    auto disk = before.toDisk(kKey, kObject);
    EXPECT_EQ(disk.find("k8s:enc:" + provider + ":v1:old:"), 0U);
    EXPECT_EQ(disk.find("aHVudGVyMg"), std::string::npos);
    EXPECT_EQ(both.fromDisk(kKey, disk), kObject);
    EXPECT_EQ(after.fromDisk(kKey, disk), std::nullopt);
    EXPECT_EQ(both.toDisk(kKey, kObject).find("k8s:enc:" + provider + ":v1:new:"), 0U);
    EXPECT_EQ(after.fromDisk(kKey, kObject), kObject) << "what was written before";
    EXPECT_EQ(before.toDisk("/registry/configmaps/default/a", kObject), kObject);
  }
}

struct EncryptedStore : testing::Test {
  // A store whose engine is encrypted with these providers, on the rows that earlier ones left.
  std::unique_ptr<storage::Store> open(const std::string& providers) {
    configuration = configured(secretsWith(providers));
    return storage::openStore(
        storeOptions(directory.file("db")),
        storage::transformEngine(storage::openSqliteEngine(directory.file("db")), makeTransformer(configuration)));
  }
  std::string disk() {
    std::string all;
    storage::openSqliteEngine(directory.file("db"))->load([&](const storage::Row& row) {
      all.append(row.bytes).append("\n");
    });
    return all;
  }
  storage::TemporaryDirectory directory;
  EncryptionConfiguration configuration;
};

constexpr auto kWrite = [](storage::Store& store) {
  return storage::wait([&](auto done) {
    store.create(
        std::string(kKey), [](storage::Revision) { return std::string(kObject); }, std::move(done));
  });
};

TEST_F(EncryptedStore, RotationLeavesNothingUnderTheOldKey) {
  auto with = [](const std::string& keys) { return "{aesgcm: {keys: [" + keys + "]}}"; };
  kWrite(*open(with(kOld)));
  EXPECT_EQ(disk().find("k8s:enc:aesgcm:v1:old:"), 0U);
  {
    auto store = open(with(std::string(kNew) + ", " + kOld));
    auto before = store->get(kKey)->modified;
    EXPECT_EQ(rewriteEncrypted(*store, configuration).written, 1U);
    EXPECT_GT(store->get(kKey)->modified, before);
    EXPECT_TRUE(store->get(kKey)->bytes.ends_with(R"("data":{"p":"aHVudGVyMg=="}})")) << "memory has it plainly";
  }
  EXPECT_EQ(disk().find("k8s:enc:aesgcm:v1:new:"), 0U);
  EXPECT_EQ(disk().find("aHVudGVyMg"), std::string::npos);
  EXPECT_TRUE(isReadable(open(with(kNew))->get(kKey)->bytes));
}

TEST_F(EncryptedStore, WhatNoKeyReadsIsAnErrorAndNothingElseIs) {
  kWrite(*open(std::string("{aesgcm: {keys: [") + kOld + "]}}"));
  auto store = open(std::string("{aesgcm: {keys: [") + kNew + "]}}");
  EXPECT_EQ(rewriteEncrypted(*store, configuration).unreadable, std::vector<std::string>{std::string(kKey)});
  ApiServer api({.store = *store, .kinds = schema::builtinRegistry()});
  api.start();
  auto message = [&](auto call) -> std::string {
    try {
      call();
      return "none";
    } catch (const meta::StatusError& error) {
      return error.message();
    }
  };
  constexpr auto kWrong =
      "Internal error occurred: unable to transform key \"/registry/secrets/default/a\": no key of the encryption "
      "configuration decrypts it";
  const meta::Resource secrets{"", "v1", "secrets", "Secret", meta::Scope::kNamespaced};
  EXPECT_EQ(message([&] { api.client().get(secrets, "default", "a"); }), kWrong);
  EXPECT_EQ(message([&] { api.client().list(secrets, "default"); }), kWrong);
  EXPECT_EQ(message([&] { api.client().list(secrets, "kube-system"); }), "none");
}

}  // namespace
}  // namespace wherry::apiserver
