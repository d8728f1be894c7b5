#include "json/yaml.h"

#include <gtest/gtest.h>

namespace wherry::json {
namespace {

struct Case {
  const char* name;
  std::string yaml;
  std::string expected;
};

std::string named(const testing::TestParamInfo<Case>& info) { return std::to_string(info.index); }

class ParseYamlTest : public testing::TestWithParam<Case> {};

TEST_P(ParseYamlTest, readsIntoJson) {
  EXPECT_EQ(json::serialize(parseYaml(GetParam().yaml)), GetParam().expected) << GetParam().name;
}

INSTANTIATE_TEST_SUITE_P(
    Table, ParseYamlTest,
    testing::Values(
        Case{"a manifest",
             "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - name: c\n    ports: [{containerPort: 80}]\n",
             R"({"apiVersion":"v1","kind":"Pod","spec":{"containers":[{"name":"c","ports":[{"containerPort":80}]}]}})"},
        Case{"nulls", "{a: , b: ~, c: null, d: NULL}", R"({"a":null,"b":null,"c":null,"d":null})"},
        Case{"truths", "[true, False, TRUE]", "[true,false,true]"},
        Case{"yes and on are text", "[yes, on, y]", R"(["yes","on","y"])"},
        Case{"numbers", "[1, -2, +3, 1.5, 1e3, .5, 0x1F, 18446744073709551615]",
             "[1,-2,3,1.5,1000,0.5,31,18446744073709551615]"},
        Case{"a file mode is octal", "[0644, 0o644, 08]", "[420,420,8]"},
        Case{"quoted scalars are text", R"(["1", 'true', "null", ""])", R"(["1","true","null",""])"},
        Case{"what only begins like a number is text", "[1.2.3, 10.0.0.1, 1Gi, 100m, 2026-01-02, '-', 0x, e3, 1e]",
             R"(["1.2.3","10.0.0.1","1Gi","100m","2026-01-02","-","0x","e3","1e"])"},
        Case{"a tag decides", "[!!str 1, !!str true]", R"(["1","true"])"},
        Case{"keys are text", "{80: a, true: b}", R"({"80":"a","true":"b"})"},
        Case{"literal and folded blocks", "a: |\n  x\n  y\nb: >-\n  x\n  y\n", R"({"a":"x\ny\n","b":"x y"})"},
        Case{"aliases are expanded", "a: &x {k: 1}\nb: *x\n", R"({"a":{"k":1},"b":{"k":1}})"},
        Case{"a merge gives way to the mapping's own keys", "a: &x {k: 1, l: 2}\nb:\n  <<: *x\n  k: 3\n",
             R"({"a":{"k":1,"l":2},"b":{"k":3,"l":2}})"},
        Case{"a quoted merge key is a key", "{\"<<\": 1}", R"({"<<":1})"},
        Case{"JSON is YAML", R"({"a": "\ud83d\ude00\/"})", "{\"a\":\"\xf0\x9f\x98\x80/\"}"},
        Case{"comments", "# one\na: b # two\n", R"({"a":"b"})"}),
    named);

TEST(ParseYamlStreamTest, leavesOutEmptyDocuments) {
  std::vector<Value> documents = parseYamlStream("---\n# nothing\n---\na: 1\n---\nb: 2\n...\n");
  ASSERT_EQ(documents.size(), 2u);
  EXPECT_EQ(json::serialize(documents[1]), R"({"b":2})");
}

std::string renderEntries(std::string_view text) {
  std::string out;
  for (const YamlEntry& entry : parseYamlEntries(text)) {
    out += std::to_string(entry.line) + " " + entry.key + "=" + json::serialize(entry.value) + "\n";
  }
  return out;
}

TEST(ParseYamlEntriesTest, tellsWhereEachKeyStands) {
  EXPECT_EQ(renderEntries("# one\n\na: 1\nb:\n- x\n- {c: d}\na: ~\n"), "3 a=1\n4 b=[\"x\",{\"c\":\"d\"}]\n7 a=null\n");
  EXPECT_EQ(renderEntries("# a: 1\n"), "");
  for (const char* text : {"- a", "just text", "a: 1\n---\nb: 2", "a: ["}) {
    EXPECT_THROW(parseYamlEntries(text), ParseError) << text;
  }
}

TEST(ParseYamlTest, refusesWhatIsNotOneDocument) {
  for (const char* text :
       {"", "# only a comment", "a: 1\n---\nb: 2", "a: [", "a: b: c", "{a: *missing}", "\ta: 1", "[a]: 1", ", ~, x"}) {
    EXPECT_THROW(parseYaml(text), ParseError) << text;
  }
}

TEST(ParseYamlTest, refusesExcessiveAliasing) {
  std::string text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 12; ++i) {
    std::string of = "*a" + std::to_string(i - 1);
    text += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + of;
    for (int copy = 1; copy < 10; ++copy) text += ", " + of;
    text += "]\n";
  }
  EXPECT_THROW(parseYaml(text), ParseError);
}

TEST(ParseYamlTest, refusesDeepNesting) {
  EXPECT_THROW(parseYaml(std::string(5000, '[') + std::string(5000, ']')), ParseError);
}

class RenderYamlTest : public testing::TestWithParam<Case> {};

TEST_P(RenderYamlTest, writesBlockStyleThatReadsBack) {
  Value value = parse(GetParam().expected);
  EXPECT_EQ(renderYaml(value), GetParam().yaml) << GetParam().name;
  EXPECT_EQ(json::serialize(parseYaml(GetParam().yaml)), json::serialize(value)) << GetParam().name;
}

INSTANTIATE_TEST_SUITE_P(
    Table, RenderYamlTest,
    testing::Values(Case{"a manifest",
                         "kind: Pod\nspec:\n  containers:\n  - name: c\n    args:\n    - -x\n  empty: {}\n  none: []\n",
                         R"({"kind":"Pod","spec":{"containers":[{"name":"c","args":["-x"]}],"empty":{},"none":[]}})"},
                    Case{"texts that look like something else are quoted",
                         "- \"1\"\n- \"true\"\n- \"null\"\n- \"\"\n- \"yes\"\n- \"1e3\"\n- \"2026-01-02\"\n",
                         R"(["1","true","null","","yes","1e3","2026-01-02"])"},
                    Case{"texts with indicators are quoted",
                         "- \"a: b\"\n- \"*x\"\n- \"a #b\"\n- \" a\"\n- \"a:\"\n- a:b\n- \"- a\"\n",
                         R"(["a: b","*x","a #b"," a","a:","a:b","- a"])"},
                    Case{"lines become a literal block", "a: |\n  x\n  y\nb: |-\n  x\n\n  y\nc: |+\n  x\n\n",
                         R"({"a":"x\ny\n","b":"x\n\ny","c":"x\n\n"})"},
                    Case{"a block inside a list", "- |-\n  a\n  b\n- 1.5\n- null\n", R"(["a\nb",1.5,null])"},
                    Case{"lists in lists", "- - 1\n  - 2\n- - a: 1\n    b: 2\n", R"([[1,2],[{"a":1,"b":2}]])"},
                    Case{"control characters are escaped", "a: \"\\u0001\\r\\n\"\n", R"({"a":"\u0001\r\n"})"}),
    named);

}  // namespace
}  // namespace wherry::json
