#include "net/connection_count.h"

#include <gtest/gtest.h>

namespace wherry::net {
namespace {

TEST(ConnectionCount, EachLimitRefusesAndLetsInAgain) {
  ConnectionCount count({.total = 3, .perAddress = 2, .handshakes = 1});
  EXPECT_TRUE(count.add("192.0.2.1"));
  EXPECT_TRUE(count.add("192.0.2.1"));
  EXPECT_FALSE(count.add("192.0.2.1")) << "two of one address";
  count.beginHandshake();
  EXPECT_FALSE(count.add("192.0.2.2")) << "one handshake at a time";
  count.endHandshake();
  EXPECT_TRUE(count.add("192.0.2.2"));
  EXPECT_FALSE(count.add("192.0.2.3")) << "three in total";
  count.remove("192.0.2.1");
  EXPECT_TRUE(count.add("192.0.2.3"));
}

}  // namespace
}  // namespace wherry::net
