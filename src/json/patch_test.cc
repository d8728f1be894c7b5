#include "json/patch.h"

#include <gtest/gtest.h>

namespace wherry::json {
namespace {

struct Case {
  const char* name;
  std::string document;
  std::string patch;
  std::string expected;  // "" when the patch is refused
};

std::string named(const testing::TestParamInfo<Case>& info) { return std::to_string(info.index); }

class JsonPatchTest : public testing::TestWithParam<Case> {};

TEST_P(JsonPatchTest, followsRfc6902) {
  Value document = parse(GetParam().document);
  if (GetParam().expected.empty()) {
    EXPECT_THROW(applyJsonPatch(document, parse(GetParam().patch)), PatchError) << GetParam().name;
    return;
  }
  applyJsonPatch(document, parse(GetParam().patch));
  EXPECT_EQ(json::serialize(document), GetParam().expected) << GetParam().name;
}

INSTANTIATE_TEST_SUITE_P(
    Table, JsonPatchTest,
    testing::Values(
        Case{"add a member", R"({"a":1})", R"([{"op":"add","path":"/b","value":[2]}])", R"({"a":1,"b":[2]})"},
        Case{"add inserts into an array", "[1,3]", R"([{"op":"add","path":"/1","value":2}])", "[1,2,3]"},
        Case{"add appends", "[1]", R"([{"op":"add","path":"/-","value":2},{"op":"add","path":"/2","value":3}])",
             "[1,2,3]"},
        Case{"add replaces an existing member", R"({"a":1})", R"([{"op":"add","path":"/a","value":null}])",
             R"({"a":null})"},
        Case{"add replaces the document", "1", R"([{"op":"add","path":"","value":{}}])", "{}"},
        Case{"add below what is missing", "{}", R"([{"op":"add","path":"/a/b","value":1}])", ""},
        Case{"add beyond the end", "[]", R"([{"op":"add","path":"/1","value":1}])", ""},
        Case{"remove keeps the order of the rest", R"({"a":1,"b":2,"c":3})", R"([{"op":"remove","path":"/a"}])",
             R"({"b":2,"c":3})"},
        Case{"remove an element", "[1,2,3]", R"([{"op":"remove","path":"/0"}])", "[2,3]"},
        Case{"remove what is missing", "{}", R"([{"op":"remove","path":"/a"}])", ""},
        Case{"replace", R"({"a":1})", R"([{"op":"replace","path":"/a","value":2}])", R"({"a":2})"},
        Case{"replace what is missing", "{}", R"([{"op":"replace","path":"/a","value":2}])", ""},
        Case{"move", R"({"a":1,"b":{}})", R"([{"op":"move","from":"/a","path":"/b/c"}])", R"({"b":{"c":1}})"},
        Case{"move into itself", R"({"a":{}})", R"([{"op":"move","from":"/a","path":"/a/b"}])", ""},
        Case{"copy", R"({"a":[1]})", R"([{"op":"copy","from":"/a","path":"/b"}])", R"({"a":[1],"b":[1]})"},
        Case{"test that holds", R"({"a":1})", R"([{"op":"test","path":"/a","value":1.0}])", R"({"a":1})"},
        Case{"test that fails", R"({"a":1})", R"([{"op":"test","path":"/a","value":2}])", ""},
        Case{"escaped names", R"({"a/b":1,"~":2})",
             R"([{"op":"remove","path":"/a~1b"},{"op":"replace","path":"/~0","value":3}])", R"({"~":3})"},
        Case{"an index with a leading zero", "[1,2]", R"([{"op":"remove","path":"/01"}])", ""},
        Case{"an unknown operation", "{}", R"([{"op":"spin","path":"/a"}])", ""},
        Case{"no value", "{}", R"([{"op":"add","path":"/a"}])", ""}, Case{"not a list", "{}", "{}", ""}),
    named);

TEST(JsonPatchTest, boundsWhatCopiesMayAdd) {
  Value document = parse("[1]");
  Array operations;
  for (int i = 0; i < 40; ++i) operations.push_back(parse(R"({"op":"copy","from":"","path":"/-"})"));
  EXPECT_THROW(applyJsonPatch(document, operations), PatchError);
}

class MergePatchTest : public testing::TestWithParam<Case> {};

TEST_P(MergePatchTest, followsRfc7386) {
  Value document = parse(GetParam().document);
  applyMergePatch(document, parse(GetParam().patch));
  EXPECT_EQ(json::serialize(document), GetParam().expected) << GetParam().name;
}

INSTANTIATE_TEST_SUITE_P(
    Table, MergePatchTest,
    testing::Values(Case{"replace", R"({"a":"b"})", R"({"a":"c"})", R"({"a":"c"})"},
                    Case{"add", R"({"a":"b"})", R"({"b":"c"})", R"({"a":"b","b":"c"})"},
                    Case{"null removes", R"({"a":"b","b":"c","d":1})", R"({"a":null})", R"({"b":"c","d":1})"},
                    Case{"lists are replaced", R"({"a":[{"b":"c"}]})", R"({"a":[1]})", R"({"a":[1]})"},
                    Case{"objects are merged", R"({"a":{"b":"c"}})", R"({"a":{"b":"d","c":null}})",
                         R"({"a":{"b":"d"}})"},
                    Case{"a scalar becomes an object without nulls", R"({"a":1})", R"({"a":{"bb":{"ccc":null}}})",
                         R"({"a":{"bb":{}}})"},
                    Case{"the whole document", R"({"a":1})", R"(["c"])", R"(["c"])"}),
    named);

}  // namespace
}  // namespace wherry::json
