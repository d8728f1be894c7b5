#include "schema/table_jsonpath.h"

#include <gtest/gtest.h>

#include "json/yaml.h"

namespace wherry::schema {
namespace {

constexpr const char* kObject = R"(
metadata: {labels: {a.b/c: x}}
spec: {replicas: 3, list: [10, 20, 30], map: {k: 1, l: 2}}
status:
  conditions:
  - {type: Ready, status: "True", level: 5}
  - {type: Synced, status: "False", level: 7}
  - {type: Other}
)";

struct Case {
  const char* name;
  const char* path;
  const char* expected;  // all values, "refused" when the path is none
};

class JsonPathTest : public testing::TestWithParam<Case> {};

TEST_P(JsonPathTest, finds) {
  auto path = JsonPath::parse(GetParam().path);
  std::string found = path ? "" : "refused";
  json::Value object = json::parseYaml(kObject);
  if (path) {
    for (const json::Value* value : path->find(object)) found += json::serialize(*value) + " ";
  }
  EXPECT_EQ(found, GetParam().expected) << GetParam().name;
}

INSTANTIATE_TEST_SUITE_P(
    Table, JsonPathTest,
    testing::Values(Case{"a field", ".spec.replicas", "3 "}, Case{"in braces", "{.spec.replicas}", "3 "},
                    Case{"from the root", "$.spec.replicas", "3 "}, Case{"nothing", ".spec.missing.deeper", ""},
                    Case{"an escaped dot", ".metadata.labels.a\\.b/c", "\"x\" "},
                    Case{"a quoted name", ".metadata.labels['a.b/c']", "\"x\" "},
                    Case{"an index", ".spec.list[1]", "20 "}, Case{"from the end", ".spec.list[-1]", "30 "},
                    Case{"the last but one", ".spec.list[-2]", "20 "}, Case{"beyond the end", ".spec.list[3]", ""},
                    Case{"a slice", ".spec.list[0:2]", "10 20 "}, Case{"an open slice", ".spec.list[1:]", "20 30 "},
                    Case{"all elements", ".spec.list[*]", "10 20 30 "}, Case{"all members", ".spec.map.*", "1 2 "},
                    Case{"a filter", ".status.conditions[?(@.type==\"Ready\")].status", "\"True\" "},
                    Case{"a filter with spaces and single quotes", ".status.conditions[?( @.type == 'Synced' )].status",
                         "\"False\" "},
                    Case{"unequal", ".status.conditions[?(@.type!=\"Ready\")].type", "\"Synced\" \"Other\" "},
                    Case{"a number", ".status.conditions[?(@.level>5)].type", "\"Synced\" "},
                    Case{"what exists", ".status.conditions[?(@.level)].type", "\"Ready\" \"Synced\" "},
                    Case{"an index into an object", ".spec[0]", ""}, Case{"an open bracket", ".spec.list[0", "refused"},
                    Case{"recursion", "..type", "refused"}, Case{"a script", ".spec[(@.length-1)]", "refused"},
                    Case{"no dot", "spec", "refused"}));

}  // namespace
}  // namespace wherry::schema
