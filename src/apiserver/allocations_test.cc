#include "apiserver/allocations.h"

#include <stdexcept>

#include <gtest/gtest.h>

namespace wherry::apiserver {
namespace {

using base::IpFamily;
using Take = ServiceAllocations::Take;

TEST(Allocations, ChosenAddressesLieAboveTheStaticPart) {
  Allocations allocations("10.96.0.0/24", {});
  for (int i = 0; i < 200; ++i) {
    auto ip = allocations.allocateIp(IpFamily::kIPv4);
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

TEST(Allocations, EachFamilyHasItsRangeTheFirstIsTheDefault) {
  Allocations allocations("fd00:10:96::/108,10.96.0.0/24", {});
  EXPECT_EQ(allocations.families(), (std::vector<IpFamily>{IpFamily::kIPv6, IpFamily::kIPv4}));
  EXPECT_EQ(allocations.firstIp(), "fd00:10:96::1");
  for (int i = 0; i < 200; ++i) {
    auto ip = *base::IpAddress::parse(allocations.allocateIp(IpFamily::kIPv6));
    EXPECT_GT(ip.minus(*base::IpAddress::parse("fd00:10:96::1")), 255U) << ip.text();
    EXPECT_TRUE(base::IpPrefix::parse("fd00:10:96::/108")->contains(ip)) << ip.text();
  }
  EXPECT_TRUE(allocations.allocateIp(IpFamily::kIPv4).starts_with("10.96.0."));
  EXPECT_EQ(allocations.takeIp("fd00:10:96::a"), Take::kTaken);
  EXPECT_EQ(allocations.takeIp("fd00:10:96:0:0::000A"), Take::kInUse) << "the same address in other letters";
  EXPECT_EQ(allocations.takeIp("fd00:10:96::"), Take::kOutOfRange) << "the subnet's routers";
  EXPECT_EQ(allocations.takeIp("fd00:10:96::f:ffff"), Take::kTaken) << "IPv6 has no broadcast";
  EXPECT_EQ(allocations.takeIp("fd00:10:96::10:0"), Take::kOutOfRange);
}

TEST(Allocations, ASmallIpv6RangeIsUsedUp) {
  Allocations allocations("fd00::/126", {});
  for (int i = 0; i < 3; ++i) allocations.allocateIp(IpFamily::kIPv6);
  EXPECT_THROW(allocations.allocateIp(IpFamily::kIPv6), meta::StatusError);
  EXPECT_THROW(allocations.allocateIp(IpFamily::kIPv4), meta::StatusError) << "none configured";
}

TEST(Allocations, ALargeIpv6RangeIsFine) {
  Allocations allocations("fd00::/64", {});
  EXPECT_NE(allocations.allocateIp(IpFamily::kIPv6), allocations.allocateIp(IpFamily::kIPv6));
  EXPECT_EQ(allocations.takeIp("fd00::ffff:ffff:ffff:ffff"), Take::kTaken);
}

TEST(Allocations, AFullRangeIsAnError) {
  Allocations allocations("10.96.0.0/28", {30000, 30001});
  for (int i = 0; i < 14; ++i) allocations.allocateIp(IpFamily::kIPv4);
  EXPECT_THROW(allocations.allocateIp(IpFamily::kIPv4), meta::StatusError);
  EXPECT_NE(allocations.allocatePort(), allocations.allocatePort());
  EXPECT_THROW(allocations.allocatePort(), meta::StatusError);
  EXPECT_EQ(allocations.takePort(40000), Take::kOutOfRange);
}

TEST(Allocations, ACidrThatIsNoneIsRefused) {
  for (auto text : {"", "10.96.0.0", "10.96.0.0/8", "fd00::/48", "fd00::/127", "10.96.0.0/16,10.97.0.0/16",
                    "fd00::/108,10.96.0.0/16,fd01::/108", "10.96.0.0/16,"})
    EXPECT_THROW(Allocations(text, {}), std::invalid_argument);
}

}  // namespace
}  // namespace wherry::apiserver
