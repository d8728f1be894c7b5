#include "controllers/manifests.h"

#include <stdexcept>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/strings.h"
#include "json/yaml.h"

namespace wherry::controllers {
namespace {

std::string keysOf(const std::vector<ManifestObject>& objects) {
  std::vector<std::string> texts;
  for (const auto& object : objects) texts.push_back(object.key.text());
  return base::join(texts, ", ");
}

TEST(ReadManifest, TakesAllDocumentsAndListsApart) {
  EXPECT_EQ(keysOf(readManifest("a.yaml", R"(
# a comment alone is no document
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
---
---
apiVersion: v1
kind: List
items:
- {apiVersion: v1, kind: ConfigMap, metadata: {name: a}}
- {apiVersion: v1, kind: Namespace, metadata: {name: shop}}
)")),
            "Deployment.apps shop/web, ConfigMap a, Namespace shop");
  EXPECT_EQ(keysOf(readManifest("a.json", R"({"apiVersion":"v1","kind":"Secret","metadata":{"name":"s"}})")),
            "Secret s");
  EXPECT_EQ(keysOf(readManifest("empty.yaml", "")), "");
}

TEST(ReadManifest, LeavesOutWhatOnlyTheServerSays) {
  const auto objects = readManifest("a.yaml", R"(
apiVersion: v1
kind: ConfigMap
metadata: {name: a, uid: u, resourceVersion: '7', generation: 2, creationTimestamp: null, managedFields: [], labels: {x: y}}
data: {k: v}
status: {}
)");
  ASSERT_EQ(objects.size(), 1u);
  EXPECT_EQ(objects[0].object,
            json::parseYaml("{apiVersion: v1, kind: ConfigMap, metadata: {name: a, labels: {x: y}}, data: {k: v}}"));
}

TEST(ReadManifest, RefusesWhatIsNoObject) {
  const auto refusal = [](std::string_view text) -> std::string {
    try {
      readManifest("a.yaml", text);
      return "";
    } catch (const std::invalid_argument& error) {
      return error.what();
    } catch (const json::ParseError&) {
      return "not YAML";
    }
  };
  EXPECT_EQ(refusal("{kind: ConfigMap, metadata: {name: a}}"), "an object has no apiVersion");
  EXPECT_EQ(refusal("{apiVersion: v1, metadata: {name: a}}"), "an object has no kind");
  EXPECT_EQ(refusal("{apiVersion: v1, kind: Pod, metadata: {generateName: a-}}"), "an object has no metadata.name");
  EXPECT_EQ(refusal("just text"), "an object has no apiVersion");
  EXPECT_EQ(refusal("{"), "not YAML");
}

TEST(OrderManifests, WhatOthersNeedComesFirst) {
  auto objects = readManifest("a.yaml", R"(
{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingWebhookConfiguration, metadata: {name: w}}
---
{apiVersion: example.io/v1, kind: Boat, metadata: {name: b}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: c}}
---
{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name: boats.example.io}}
---
{apiVersion: v1, kind: Namespace, metadata: {name: n}}
)");
  std::vector<std::string> problems;
  EXPECT_EQ(keysOf(orderManifests(std::move(objects), problems)),
            "Namespace n, CustomResourceDefinition.apiextensions.k8s.io boats.example.io, Boat.example.io b, "
            "ConfigMap c, ValidatingWebhookConfiguration.admissionregistration.k8s.io w");
  EXPECT_TRUE(problems.empty());
}

TEST(OrderManifests, TheFirstOfTwoThatMeanTheSameCounts) {
  auto objects = readManifest("a.yaml", "{apiVersion: apps/v1, kind: Deployment, metadata: {name: d}}");
  for (auto& object : readManifest("b.yaml", "{apiVersion: apps/v2, kind: Deployment, metadata: {name: d}}")) {
    objects.push_back(std::move(object));
  }
  std::vector<std::string> problems;
  const auto ordered = orderManifests(std::move(objects), problems);
  ASSERT_EQ(ordered.size(), 1u);
  EXPECT_EQ(ordered[0].file, "a.yaml");
  EXPECT_EQ(problems, (std::vector<std::string>{"b.yaml: Deployment.apps d is in another manifest, too"}));
}

TEST(ManifestRecord, IsReadAsItWasWritten) {
  const ManifestRecord record{
      {{"apps", "Deployment", "shop", "web"}, {"/m/a.yaml", "apps/v1", "u1", true}},
      {{"", "Namespace", "", "shop"}, {"/m/\"b\".yaml", "v1", "", false}},
  };
  EXPECT_EQ(parseRecord(renderRecord(record)), record);
  EXPECT_EQ(parseRecord("{\n" + renderRecord(record)), record);
}

TEST(DecidePrune, TakesWhatNoFileSaysAnyMore) {
  const auto entry = [](std::string file) { return ManifestEntry{std::move(file), "v1", "u", true}; };
  const ManifestRecord record{{{"", "ConfigMap", "", "kept"}, entry("a")},
                              {{"", "ConfigMap", "", "gone"}, entry("a")},
                              {{"", "ConfigMap", "", "unsure"}, entry("broken")},
                              {{"", "Namespace", "", "gone"}, entry("b")},
                              {{"apiextensions.k8s.io", "CustomResourceDefinition", "", "boats"}, entry("b")},
                              {{"example.io", "Boat", "", "gone"}, entry("b")}};
  const auto wanted = readManifest("other", "{apiVersion: v1, kind: ConfigMap, metadata: {name: kept}}");
  std::vector<std::string> texts;
  for (const auto& key : decidePrune(record, wanted, {"broken"})) texts.push_back(key.text());
  EXPECT_EQ(
      base::join(texts, ", "),
      "ConfigMap gone, Boat.example.io gone, CustomResourceDefinition.apiextensions.k8s.io boats, Namespace gone");
}

bool isMade(ManifestEntry before, std::string_view managers) {
  return appliedEntry(std::move(before),
                      json::parseYaml(fmt::format("{{metadata: {{uid: u2, managedFields: [{}]}}}}", managers)))
      .made;
}

TEST(AppliedEntry, IsOursWhereNobodyWasBeforeUs) {
  constexpr std::string_view kOurs = "{manager: wherry-manifests, operation: Apply, time: '2026-01-01T00:00:05Z'}";
  const ManifestEntry planned{"a", "v1", "", true}, found{"a", "v1", "", false}, known{"a", "v1", "u2", true},
      another{"a", "v1", "u1", true};
  EXPECT_TRUE(isMade(planned, kOurs));
  EXPECT_FALSE(isMade(found, kOurs)) << "it was there when it was looked for";
  const auto with = [&](std::string_view more) { return fmt::format("{}, {{{}}}", kOurs, more); };
  EXPECT_FALSE(isMade(planned, with("manager: kubectl, operation: Update, time: '2026-01-01T00:00:01Z'")));
  EXPECT_FALSE(isMade(planned, with("manager: kubectl, operation: Update, time: '2026-01-01T00:00:05Z'")));
  EXPECT_TRUE(isMade(planned, with("manager: kubectl, operation: Update, time: '2026-01-01T00:00:06Z'")));
  EXPECT_TRUE(isMade(planned, with("manager: kubelet, subresource: status, time: '2026-01-01T00:00:01Z'")));
  EXPECT_TRUE(isMade(known, with("manager: kubectl, operation: Update, time: '2026-01-01T00:00:01Z'")))
      << "it is the very object that was made";
  EXPECT_TRUE(isMade(another, kOurs)) << "it was deleted, and made again";
  EXPECT_FALSE(isMade(another, with("manager: kubectl, operation: Update, time: '2026-01-01T00:00:01Z'")))
      << "it was deleted, and another one made it again";
  EXPECT_TRUE(isMade(planned, "")) << "of one of which nothing but the name is said no manager is noted";
  EXPECT_FALSE(isMade(planned, "{manager: kubectl, operation: Update, time: '2026-01-01T00:00:06Z'}"));
}

}  // namespace
}  // namespace wherry::controllers
