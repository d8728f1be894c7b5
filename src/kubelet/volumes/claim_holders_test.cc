#include "kubelet/volumes/claim_holders.h"

#include <gtest/gtest.h>

namespace wherry::kubelet {
namespace {

using Sharing = ClaimHolders::Sharing;
using Uids = std::vector<std::string>;

TEST(ClaimHolders, OneThatIsForOnePodHasOneHolder) {
  ClaimHolders holders;
  EXPECT_TRUE(holders.take("shop/data", "a", Sharing::kNone));
  EXPECT_TRUE(holders.take("shop/data", "a", Sharing::kNone));
  EXPECT_FALSE(holders.take("shop/data", "b", Sharing::kNone));
  EXPECT_TRUE(holders.take("shop/other", "b", Sharing::kNone));
  EXPECT_EQ(holders.drop("a"), Uids{"b"});
  EXPECT_TRUE(holders.take("shop/data", "b", Sharing::kNone));
  EXPECT_EQ(holders.drop("b"), Uids{});
}

TEST(ClaimHolders, OthersAreShared) {
  ClaimHolders holders;
  EXPECT_TRUE(holders.take("shop/data", "a", Sharing::kAny));
  EXPECT_TRUE(holders.take("shop/data", "b", Sharing::kAny));
  EXPECT_FALSE(holders.take("shop/data", "c", Sharing::kNone));
  EXPECT_EQ(holders.drop("a"), Uids{"c"});
  EXPECT_FALSE(holders.take("shop/data", "c", Sharing::kNone));
  EXPECT_EQ(holders.drop("c"), Uids{});
  EXPECT_EQ(holders.drop("b"), Uids{});
}

}  // namespace
}  // namespace wherry::kubelet
