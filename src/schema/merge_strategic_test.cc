#include <gtest/gtest.h>

#include "json/patch.h"
#include "json/yaml.h"
#include "schema/merge.h"

namespace wherry::schema {
namespace {

struct Case {
  const char* name;
  const char* spec;      // of a pod, in YAML
  const char* patch;     // of its spec
  const char* expected;  // "" when refused
};

std::string patched(const Case& test) {
  json::Value pod = json::parseYaml("spec: " + std::string(test.spec));
  json::Value patch = json::parseYaml("spec: " + std::string(test.patch));
  applyStrategicMergePatch(*builtinRegistry()->findKind({"", "v1", "Pod"})->schema, pod, patch);
  return json::serialize(pod.at("spec"));
}

class StrategicMergeTest : public testing::TestWithParam<Case> {};

TEST_P(StrategicMergeTest, merges) {
  if (std::string_view(GetParam().expected).empty()) {
    EXPECT_THROW(patched(GetParam()), json::PatchError) << GetParam().name;
  } else {
    EXPECT_EQ(patched(GetParam()), json::serialize(json::parseYaml(GetParam().expected))) << GetParam().name;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Table, StrategicMergeTest,
    testing::Values(
        Case{"scalars are replaced", "{nodeName: a, hostname: b}", "{nodeName: c}", "{nodeName: c, hostname: b}"},
        Case{"null removes and keeps the order", "{nodeName: a, hostname: b, subdomain: c}", "{nodeName: null}",
             "{hostname: b, subdomain: c}"},
        Case{"null in something new is nothing", "{}", "{securityContext: {runAsUser: null, runAsGroup: 1}}",
             "{securityContext: {runAsGroup: 1}}"},
        Case{"containers are merged by name", "{containers: [{name: a, image: x}, {name: b, image: y}]}",
             "{containers: [{name: b, image: z}]}", "{containers: [{name: a, image: x}, {name: b, image: z}]}"},
        Case{"a new container stands where the patch has it", "{containers: [{name: a}]}",
             "{containers: [{name: b}, {name: a}]}", "{containers: [{name: b}, {name: a}]}"},
        Case{"a new container is appended", "{containers: [{name: a}]}", "{containers: [{name: b}]}",
             "{containers: [{name: b}, {name: a}]}"},
        Case{"a list of a merged element",
             "{containers: [{name: a, env: [{name: X, value: '1'}, {name: Y, value: '2'}]}]}",
             "{containers: [{name: a, env: [{name: Y, value: '3'}]}]}",
             "{containers: [{name: a, env: [{name: X, value: '1'}, {name: Y, value: '3'}]}]}"},
        Case{"ports are merged by containerPort", "{containers: [{name: a, ports: [{containerPort: 80}]}]}",
             "{containers: [{name: a, ports: [{containerPort: 80, name: http}]}]}",
             "{containers: [{name: a, ports: [{containerPort: 80, name: http}]}]}"},
        Case{"tolerations have no merge key", "{tolerations: [{key: a}, {key: b}]}", "{tolerations: [{key: c}]}",
             "{tolerations: [{key: c}]}"},
        Case{"an element is deleted", "{containers: [{name: a}, {name: b}]}",
             "{containers: [{name: a, $patch: delete}]}", "{containers: [{name: b}]}"},
        Case{"a list is replaced", "{containers: [{name: a, image: x}, {name: b}]}",
             "{containers: [{$patch: replace}, {name: a, image: y}]}", "{containers: [{name: a, image: y}]}"},
        Case{"a map is replaced", "{nodeSelector: {a: b, c: d}}", "{nodeSelector: {$patch: replace, e: f}}",
             "{nodeSelector: {e: f}}"},
        Case{"a map is emptied", "{nodeSelector: {a: b}}", "{nodeSelector: {$patch: delete}}", "{nodeSelector: {}}"},
        Case{"the order of all elements is given", "{containers: [{name: a}, {name: b}, {name: c}]}",
             "{$setElementOrder/containers: [{name: c}, {name: a}, {name: b}], containers: [{name: b, image: x}]}",
             "{containers: [{name: c}, {name: a}, {name: b, image: x}]}"},
        Case{"elements that the order doesn't name keep their neighbours",
             "{containers: [{name: x}, {name: a}, {name: y}, {name: b}]}",
             "{$setElementOrder/containers: [{name: a}, {name: b}]}",
             "{containers: [{name: x}, {name: a}, {name: y}, {name: b}]}"},
        Case{"an order without a change", "{containers: [{name: a}, {name: b}]}",
             "{$setElementOrder/containers: [{name: b}, {name: a}]}", "{containers: [{name: b}, {name: a}]}"},
        Case{"an element that its order does not name", "{containers: [{name: a}]}",
             "{$setElementOrder/containers: [{name: a}], containers: [{name: b}]}", ""},
        Case{"of a union only the retained keys stay", "{volumes: [{name: v, emptyDir: {}}]}",
             "{volumes: [{name: v, $retainKeys: [name, hostPath], hostPath: {path: /x}}]}",
             "{volumes: [{name: v, hostPath: {path: /x}}]}"},
        Case{"a key that is not retained", "{volumes: [{name: v}]}",
             "{volumes: [{name: v, $retainKeys: [name], hostPath: {path: /x}}]}", ""},
        Case{"directives do not stay in something new", "{}",
             "{containers: [{name: a, $retainKeys: [name]}, {name: b, $patch: delete}]}", "{containers: [{name: a}]}"},
        Case{"an element without its merge key", "{containers: [{name: a}]}", "{containers: [{image: x}]}", ""},
        Case{"an unknown directive", "{}", "{$patch: explode}", ""},
        Case{"an unknown directive in a list", "{containers: [{name: a}]}",
             "{containers: [{name: a, $patch: explode}]}", ""},
        Case{"another type replaces", "{nodeSelector: {a: b}}", "{nodeSelector: x}", "{nodeSelector: x}"},
        Case{"unknown fields are merged like plain JSON", "{boat: {a: 1}}", "{boat: {b: [2]}}",
             "{boat: {a: 1, b: [2]}}"}));

json::Value patchedMetadata(const char* metadata, const char* patch) {
  json::Value pod = json::parseYaml("metadata: " + std::string(metadata));
  applyStrategicMergePatch(*builtinRegistry()->findKind({"", "v1", "Pod"})->schema, pod,
                           json::parseYaml("metadata: " + std::string(patch)));
  return pod.at("metadata");
}

TEST(StrategicMergeTest, finalizersAreASet) {
  EXPECT_EQ(json::serialize(patchedMetadata("{finalizers: [a, b]}", "{finalizers: [b, c]}")),
            R"({"finalizers":["a","b","c"]})");
  EXPECT_EQ(json::serialize(patchedMetadata("{finalizers: [a, b]}", "{$deleteFromPrimitiveList/finalizers: [a]}")),
            R"({"finalizers":["b"]})");
  EXPECT_EQ(json::serialize(patchedMetadata(
                "{finalizers: [a, b]}",
                "{$deleteFromPrimitiveList/finalizers: [a], $setElementOrder/finalizers: [c, b], finalizers: [c]}")),
            R"({"finalizers":["c","b"]})");
}

}  // namespace
}  // namespace wherry::schema
