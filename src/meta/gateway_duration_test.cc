#include "meta/gateway_duration.h"

#include <gtest/gtest.h>

namespace wherry::meta {
namespace {

int64_t parsed(std::string_view text) {
  const auto duration = parseGatewayDuration(text);
  return duration ? duration->count() : -1;
}

TEST(GatewayDuration, IsASumOfUpToFourParts) {
  EXPECT_EQ(parsed("10s"), 10'000);
  EXPECT_EQ(parsed("1h30m"), 5'400'000);
  EXPECT_EQ(parsed("2s500ms"), 2'500);
  EXPECT_EQ(parsed("0s"), 0);
  EXPECT_EQ(parsed("1h1m1s1ms"), 3'661'001);
}

TEST(GatewayDuration, IsRefusedInAnyOtherForm) {
  for (const char* text : {"", "1", "s", "1.5s", "-1s", "1d", "100000s", "1s1s1s1s1s", "1 s"}) {
    EXPECT_EQ(parsed(text), -1) << text;
  }
}

}  // namespace
}  // namespace wherry::meta
