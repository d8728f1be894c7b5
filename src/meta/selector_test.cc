#include "meta/selector.h"

#include <gtest/gtest.h>

#include "meta/status.h"

namespace wherry::meta {
namespace {

struct MatchCase {
  const char* name;
  const char* selector;
  const char* labels;
  bool matches;
};

class LabelSelectorMatchTest : public testing::TestWithParam<MatchCase> {};

TEST_P(LabelSelectorMatchTest, selects) {
  json::Value labels = json::parse(GetParam().labels);
  EXPECT_EQ(LabelSelector::parse(GetParam().selector).matches(labels.get_object()), GetParam().matches)
      << GetParam().name;
}

INSTANTIATE_TEST_SUITE_P(
    Table, LabelSelectorMatchTest,
    testing::Values(MatchCase{"the empty selector takes everything", "", "{}", true},
                    MatchCase{"an equal value", "app=web", R"({"app":"web"})", true},
                    MatchCase{"two equal signs are one", "app==web", R"({"app":"web"})", true},
                    MatchCase{"another value", "app=web", R"({"app":"db"})", false},
                    MatchCase{"all terms must hold", "a=1,b=2", R"({"a":"1"})", false},
                    MatchCase{"unequal takes a missing label too", "app!=web", "{}", true},
                    MatchCase{"notin takes a missing label too", "app notin (web)", "{}", true},
                    MatchCase{"notin refuses a listed one", "app notin (web, db)", R"({"app":"db"})", false},
                    MatchCase{"in takes a listed value", "app in (web,db)", R"({"app":"db"})", true},
                    MatchCase{"in needs the label", "app in (web,db)", "{}", false},
                    MatchCase{"in with an empty value", "app in (,db)", R"({"app":""})", true},
                    MatchCase{"exists", "app", R"({"app":""})", true},
                    MatchCase{"does not exist", "!app", R"({"app":""})", false},
                    MatchCase{"greater", "n>3", R"({"n":"4"})", true},
                    MatchCase{"not greater", "n>3", R"({"n":"3"})", false},
                    MatchCase{"less needs a number", "n<3", R"({"n":"x"})", false},
                    MatchCase{"an empty value is asked for", "a=", R"({"a":""})", true},
                    MatchCase{"a label named in", "in in (in)", R"({"in":"in"})", true}));

struct TextCase {
  const char* name;
  const char* selector;
  const char* text;
};

class LabelSelectorTextTest : public testing::TestWithParam<TextCase> {};

TEST_P(LabelSelectorTextTest, isSorted) {
  EXPECT_EQ(LabelSelector::parse(GetParam().selector).text(), GetParam().text) << GetParam().name;
}

INSTANTIATE_TEST_SUITE_P(
    Table, LabelSelectorTextTest,
    testing::Values(TextCase{"keys", "b=1,a==2", "a=2,b=1"}, TextCase{"values", "x in (b, a ,b)", "x in (a,b)"},
                    TextCase{"all operators", "a,!b,c!=1,d notin (x),e>1,f<2", "a,!b,c!=1,d notin (x),e>1,f<2"}));

class LabelSelectorErrorTest : public testing::TestWithParam<TextCase> {};

TEST_P(LabelSelectorErrorTest, saysWhatItExpected) {
  try {
    LabelSelector::parse(GetParam().selector);
    FAIL() << GetParam().name;
  } catch (const StatusError& error) {
    EXPECT_EQ(error.code(), 400);
    EXPECT_EQ(error.message(), "unable to parse requirement: " + std::string(GetParam().text)) << GetParam().name;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Table, LabelSelectorErrorTest,
    testing::Values(
        TextCase{"three signs", "a===b", "found '=', expected: identifier"},
        TextCase{"in without a list", "a in", "found '', expected: '('"},
        TextCase{"an open list", "a in (b", "found '', expected: ',' or ')'"},
        TextCase{"two words", "a b", "found 'b', expected: in, notin, =, ==, !=, gt, lt"},
        TextCase{"a comma at the end", "a,", "found '', expected: identifier after ','"},
        TextCase{"a comma at the beginning", ",a", "found ',', expected: !, identifier, or 'end of string'"},
        TextCase{"a value behind a negation", "!a=b", "found '=', expected: ',' or 'end of string'"},
        TextCase{"a bound that is no number", "a>b",
                 "values[0][a]: Invalid value: \"b\": for 'Gt', 'Lt' operators, the value must be an integer"}));

TEST(LabelSelectorTest, refusesLabelsThatCanNotBe) {
  for (const char* text : {"-a", "a=b/c", "a/b/c=1", "a=-"})
    EXPECT_THROW(LabelSelector::parse(text), StatusError) << text;
}

TEST(LabelSelectorTest, readsObjects) {
  json::Value object = json::parse(R"({"matchLabels":{"app":"web"},"matchExpressions":[
      {"key":"tier","operator":"In","values":["b","a"]},{"key":"old","operator":"DoesNotExist"}]})");
  EXPECT_EQ(LabelSelector::fromObject(&object).text(), "app=web,!old,tier in (a,b)");
  json::Value empty = json::parse("{}");
  EXPECT_TRUE(LabelSelector::fromObject(&empty).isEverything());
  EXPECT_FALSE(LabelSelector::fromObject(nullptr).matches(json::Object()));
  json::Value unknown = json::parse(R"({"matchExpressions":[{"key":"a","operator":"Near"}]})");
  EXPECT_THROW(LabelSelector::fromObject(&unknown), StatusError);
}

TEST(LabelSelectorTest, anEmptyMapSelectsNothing) {
  EXPECT_FALSE(LabelSelector::fromMap({}).matches(json::Object{{"a", "b"}}));
  EXPECT_TRUE(LabelSelector::fromMap({{"a", "b"}}).matches(json::Object{{"a", "b"}, {"c", "d"}}));
}

TEST(FieldSelectorTest, comparesFields) {
  auto selector = FieldSelector::parse("metadata.name=a\\,b,status.phase!=Running,spec.x==1");
  ASSERT_EQ(selector.terms().size(), 3u);
  EXPECT_EQ(selector.required("metadata.name"), "a,b");
  EXPECT_EQ(selector.required("status.phase"), std::nullopt);
  auto pod = [](const std::string& phase) {
    return [phase](const std::string& field) -> std::string {
      if (field == "metadata.name") return "a,b";
      return field == "spec.x" ? "1" : phase;
    };
  };
  EXPECT_TRUE(selector.matches(pod("Pending")));
  EXPECT_FALSE(selector.matches(pod("Running")));
  EXPECT_TRUE(FieldSelector::parse("").empty());
  EXPECT_THROW(FieldSelector::parse("metadata.name"), StatusError);
}

}  // namespace
}  // namespace wherry::meta
