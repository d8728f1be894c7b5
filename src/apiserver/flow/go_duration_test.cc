#include "apiserver/flow/go_duration.h"

#include <gtest/gtest.h>

namespace wherry::apiserver {
namespace {

TEST(GoDuration, IsReadAsGoWritesIt) {
  using namespace std::chrono_literals;
  EXPECT_EQ(parseGoDuration("1m30s"), 90s);
  EXPECT_EQ(parseGoDuration("500ms"), 500ms);
  EXPECT_EQ(parseGoDuration("1.5h"), 90min);
  EXPECT_EQ(parseGoDuration("0"), 0s);
  EXPECT_EQ(parseGoDuration("-2us"), -2us);
  for (const char* wrong : {"", "10", "s", "1..5s", ".s", "1d", "1s ", "999999999h", "-", "ten"}) {
    EXPECT_EQ(parseGoDuration(wrong), std::nullopt) << wrong;
  }
}

}  // namespace
}  // namespace wherry::apiserver
