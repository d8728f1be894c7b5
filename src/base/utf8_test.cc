#include "base/utf8.h"

#include <gtest/gtest.h>

namespace wherry::base {
namespace {

TEST(ToUtf8, KeepsWhatIsWellFormedAndReplacesTheRest) {
  const std::string mark = "\xef\xbf\xbd";
  const std::pair<std::string, std::string> kCases[] = {
      {"", ""},
      {"plain\n", "plain\n"},
      {"\xc3\xa4\xe2\x82\xac\xf0\x9f\x9a\xa2", "\xc3\xa4\xe2\x82\xac\xf0\x9f\x9a\xa2"},
      {"a\xff\xfe", "a" + mark + mark},
      {"cut \xe2\x82", "cut " + mark + mark},
      {"\xc0\x80", mark + mark},                        // overlong
      {"\xed\xa0\x80", mark + mark + mark},             // half of a surrogate pair
      {"\xf4\x90\x80\x80", mark + mark + mark + mark},  // beyond U+10FFFF
      {std::string("\0", 1), std::string("\0", 1)},
  };
  for (const auto& [bytes, expected] : kCases) EXPECT_EQ(toUtf8(bytes), expected);
}

}  // namespace
}  // namespace wherry::base
