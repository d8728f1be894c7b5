#include "apiserver/allocations.h"

#include <stdexcept>

#include <gtest/gtest.h>

namespace wherry::apiserver {
namespace {

using Take = ServiceAllocations::Take;

TEST(Allocations, ChosenAddressesLieAboveTheStaticPart) {
  Allocations allocations("10.96.0.0/24", {});
  for (int i = 0; i < 200; ++i) {
    auto ip = allocations.allocateIp();
    EXPECT_GT(std::stoi(ip.substr(ip.rfind('.') + 1)), 16) << ip;
  }
}

TEST(Allocations, AnAddressIsGivenOutOnceUntilItIsReleased) {
  Allocations allocations("10.96.0.0/24", {});
  EXPECT_EQ(allocations.takeIp("10.96.0.10"), Take::kTaken);
  EXPECT_EQ(allocations.takeIp("10.96.0.10"), Take::kInUse);
  allocations.releaseIp("10.96.0.10");
  EXPECT_EQ(allocations.takeIp("10.96.0.10"), Take::kTaken);
  EXPECT_EQ(allocations.firstIp(), "10.96.0.1");
}

TEST(Allocations, NetworkAndBroadcastAddressAreOutOfRange) {
  Allocations allocations("10.96.0.0/24", {});
  for (auto ip : {"10.96.0.0", "10.96.0.255", "10.97.0.1", "x"})
    EXPECT_EQ(allocations.takeIp(ip), Take::kOutOfRange) << ip;
}

TEST(Allocations, AFullRangeIsAnError) {
  Allocations allocations("10.96.0.0/28", {30000, 30001});
  for (int i = 0; i < 14; ++i) allocations.allocateIp();
  EXPECT_THROW(allocations.allocateIp(), meta::StatusError);
  EXPECT_NE(allocations.allocatePort(), allocations.allocatePort());
  EXPECT_THROW(allocations.allocatePort(), meta::StatusError);
  EXPECT_EQ(allocations.takePort(40000), Take::kOutOfRange);
}

TEST(Allocations, ACidrThatIsNoneIsRefused) {
  for (auto text : {"10.96.0.0", "10.96.0.0/8", "fd00::/64"})
    EXPECT_THROW(Allocations(text, {}), std::invalid_argument);
}

}  // namespace
}  // namespace wherry::apiserver
