#include "base/strings.h"

#include <gtest/gtest.h>

namespace wherry::base {
namespace {

TEST(StringsTest, SplitsAtEverySeparator) {
  EXPECT_EQ(split("a,b,,c", ','), (std::vector<std::string_view>{"a", "b", "", "c"}));
  EXPECT_EQ(split("", ','), (std::vector<std::string_view>{""}));
  EXPECT_EQ(split(",", ','), (std::vector<std::string_view>{"", ""}));
}

TEST(StringsTest, SplitsOnceAtTheFirst) {
  auto parts = splitOnce("a=b=c", '=');
  ASSERT_TRUE(parts);
  EXPECT_EQ(parts->first, "a");
  EXPECT_EQ(parts->second, "b=c");
  EXPECT_FALSE(splitOnce("abc", '='));
}

TEST(StringsTest, TrimsJoinsReplacesAndCompares) {
  EXPECT_EQ(trim(" \t a b \r\n"), "a b");
  EXPECT_EQ(trim("  "), "");
  EXPECT_EQ(join({"a", "b"}, ", "), "a, b");
  EXPECT_EQ(join({}, ", "), "");
  EXPECT_EQ(replaceAll("aXbXX", "X", "--"), "a--b----");
  EXPECT_EQ(replaceAll("abc", "", "x"), "abc");
  EXPECT_TRUE(equalsIgnoreCase("WEB", "web"));
  EXPECT_FALSE(equalsIgnoreCase("web", "webs"));
}

TEST(StringsTest, ParsesWholeNumbersThatFit) {
  EXPECT_EQ(parseInt<int>("-12"), -12);
  EXPECT_EQ(parseInt<uint8_t>("255"), 255);
  EXPECT_FALSE(parseInt<uint8_t>("256"));
  EXPECT_FALSE(parseInt<int>("12x"));
  EXPECT_FALSE(parseInt<int>(""));
  EXPECT_FALSE(parseInt<unsigned>("-1"));
}

}  // namespace
}  // namespace wherry::base
