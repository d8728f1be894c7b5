#include "controllers/job_indexes.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

namespace wherry::controllers {
namespace {

TEST(IndexSet, IsWrittenAsTheStatusHasIt) {
  struct Case {
    const char* name;
    const char* text;
    const char* again;
    int64_t size;
  };
  const Case cases[] = {
      {"nothing", "", "", 0},
      {"one", "3", "3", 1},
      {"neighbours", "3,4", "3,4", 2},
      {"a range", "1-5", "1-5", 5},
      {"ranges that touch", "0-2,3,4-6", "0-6", 7},
      {"ranges that overlap", "0-5,2-7", "0-7", 8},
      {"in whatever order", "7,0-1,3", "0,1,3,7", 4},
      {"beyond the completions", "8-12,15", "8,9", 2},
      {"what is no number", "a,2,3-b,-1,5-4", "2", 1},
  };
  for (const auto& each : cases) {
    const auto set = IndexSet::parse(each.text, 10);
    EXPECT_EQ(set.text(), each.again) << each.name;
    EXPECT_EQ(set.size(), each.size) << each.name;
  }
}

TEST(IndexSet, GrowsByOne) {
  IndexSet set;
  for (const int64_t index : {5, 1, 3, 2, 9, 4, 5}) set.add(index);
  EXPECT_EQ(set.text(), "1-5,9");
  EXPECT_TRUE(set.has(1) && set.has(4) && set.has(9));
  EXPECT_FALSE(set.has(0) || set.has(6) || set.has(10));
}

TEST(IndexSet, SaysWhichAreMissing) {
  const auto missing = [](const char* text, int64_t count, int64_t end) {
    return fmt::format("{}", fmt::join(IndexSet::parse(text, 100).firstMissing(count, end), " "));
  };
  EXPECT_EQ(missing("", 3, 10), "0 1 2");
  EXPECT_EQ(missing("0,2-4", 3, 10), "1 5 6");
  EXPECT_EQ(missing("0-8", 3, 10), "9");
  EXPECT_EQ(missing("0-9", 3, 10), "");
  EXPECT_EQ(missing("5-20", 9, 10), "0 1 2 3 4");
}

TEST(IndexSet, CountsWhatTwoHaveInCommon) {
  const auto common = [](const char* a, const char* b) {
    return IndexSet::parse(a, 100).countCommon(IndexSet::parse(b, 100));
  };
  EXPECT_EQ(common("0-9", "5-20"), 5);
  EXPECT_EQ(common("0,2,4,6", "1-5"), 2);
  EXPECT_EQ(common("0-3", "4-9"), 0);
  EXPECT_EQ(common("", "4-9"), 0);
  EXPECT_EQ(common("0-3,5-8", "3-5"), 2);
}

}  // namespace
}  // namespace wherry::controllers
