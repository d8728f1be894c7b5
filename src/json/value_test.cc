#include "json/value.h"

#include <gtest/gtest.h>

namespace wherry::json {
namespace {

struct Case {
  const char* name;
  std::string input;
  std::string expected;
};

std::string named(const testing::TestParamInfo<Case>& info) { return std::to_string(info.index); }

class SerializeTest : public testing::TestWithParam<Case> {};

TEST_P(SerializeTest, writesWhatKubernetesWrites) {
  EXPECT_EQ(json::serialize(parse(GetParam().input)), GetParam().expected) << GetParam().name;
}

INSTANTIATE_TEST_SUITE_P(
    Table, SerializeTest,
    testing::Values(
        Case{"white space goes and the order of keys stays", R"( { "b" : [ 1 , 2 ] , "a" : null } )",
             R"({"b":[1,2],"a":null})"},
        Case{"of two equal keys the last one wins", R"({"a":1,"a":2})", R"({"a":2})"},
        Case{"a whole float is written as an integer", "[1.0,3e2,-0.0]", "[1,300,-0]"},
        Case{"a float keeps its shortest digits", "[0.1,1.5,0.000001]", "[0.1,1.5,0.000001]"},
        Case{"very large and very small floats get an exponent", "[1e21,1e-7,1e-12]", "[1e+21,1e-7,1e-12]"},
        Case{"long fractions are read to the last digit",
             "[22226e222,123456789012345678901234567890,0.1234567890123456789]",
             "[2.2226e+226,1.2345678901234568e+29,0.12345678901234568]"},
        Case{"integers of 64 bits are exact", "[9223372036854775807,-9223372036854775808,18446744073709551615]",
             "[9223372036854775807,-9223372036854775808,18446744073709551615]"},
        Case{"control characters are escaped", R"("\u0001\n\t\"\\\/")", R"("\u0001\n\t\"\\/")"},
        Case{"other characters stand as they are", R"("\u00e4\ud83d\ude00<")", "\"\xc3\xa4\xf0\x9f\x98\x80<\""}),
    named);

TEST(ParseTest, refusesWhatIsNotJson) {
  for (const char* text : {"", "{", "{\"a\":1}x", "[1,]", "{a:1}", "\"\xff\"", "nul", "01", "1e400"}) {
    EXPECT_THROW(parse(text), ParseError) << text;
  }
}

TEST(ParseTest, goesDownToTheLimitAndNoFurther) {
  auto nested = [](size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  size_t limit = ParseLimits{}.maxDepth;
  EXPECT_EQ(json::serialize(parse(nested(limit))), nested(limit));
  EXPECT_THROW(parse(nested(limit + 1)), ParseError);
}

class DuplicateKeysTest : public testing::TestWithParam<Case> {};

TEST_P(DuplicateKeysTest, namesTheirPaths) {
  std::string found;
  for (const std::string& path : duplicateKeys(GetParam().input)) found += path + " ";
  EXPECT_EQ(found, GetParam().expected) << GetParam().name;
}

INSTANTIATE_TEST_SUITE_P(
    Table, DuplicateKeysTest,
    testing::Values(Case{"none in a plain object", R"({"a":{"b":1},"b":2})", ""},
                    Case{"one at the top", R"({"a":1,"a":2})", "a "},
                    Case{"one in a nested object", R"({"spec":{"replicas":1,"x":[],"replicas":2}})", "spec.replicas "},
                    Case{"one in an element of a list", R"({"c":[{"n":1},{"n":1,"n":2}]})", "c[1].n "},
                    Case{"the same key in two elements is none", R"([{"n":1},{"n":2}])", ""},
                    Case{"escaped letters are the letters they stand for", R"({"a":1,"\u0061":2})", "a "},
                    Case{"keys inside of texts do not count", R"({"a":"{\"b\":1,\"b\":2}","b":"a"})", ""},
                    Case{"a third one is named again", R"({"a":1,"a":2,"a":3})", "a a "}),
    named);

TEST(EqualTest, looksAtValuesAndNotAtHowTheyAreWritten) {
  EXPECT_TRUE(equal(parse(R"({"a":1,"b":[1.0]})"), parse(R"({"b":[1],"a":1.0})")));
  EXPECT_FALSE(equal(parse("[1,2]"), parse("[2,1]")));
  EXPECT_FALSE(equal(parse(R"({"a":null})"), parse("{}")));
  EXPECT_FALSE(equal(parse("1"), parse("true")));
}

TEST(FindTest, followsDottedPaths) {
  Value root = parse(R"({"spec":{"containers":[{"image":"a"},{"image":"b","port":80}],"on":true}})");
  EXPECT_EQ(getString(root, "spec.containers.1.image"), "b");
  EXPECT_EQ(getString(root, "spec.containers.2.image", "none"), "none");
  EXPECT_EQ(getInt(root, "spec.containers.1.port"), 80);
  EXPECT_EQ(getInt(root, "spec.on", 7), 7);
  EXPECT_TRUE(getBool(root, "spec.on"));
  EXPECT_EQ(find(root, "spec.missing.deeper"), nullptr);
}

TEST(EnsureTest, makesWhatIsMissingOrNull) {
  Value root = parse(R"({"metadata":null})");
  ensureArray(ensureObject(root.get_object(), "metadata"), "finalizers").emplace_back("x");
  EXPECT_EQ(json::serialize(root), R"({"metadata":{"finalizers":["x"]}})");
}

TEST(SerializePrettyTest, indentsByFour) {
  EXPECT_EQ(serializePretty(parse(R"({"a":[1,{}],"b":[]})")),
            "{\n    \"a\": [\n        1,\n        {}\n    ],\n    \"b\": []\n}");
}

}  // namespace
}  // namespace wherry::json
