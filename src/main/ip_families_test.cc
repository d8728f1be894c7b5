#include "main/ip_families.h"

#include <stdexcept>

#include <gtest/gtest.h>

namespace wherry::main {
namespace {

using base::IpFamily;

TEST(IpFamilies, AreThoseOfTheRangesInTheirOrder) {
  EXPECT_EQ(familiesOf("10.96.0.0/12"), std::vector{IpFamily::kIPv4});
  EXPECT_EQ(familiesOf("fd00:10:96::/108"), std::vector{IpFamily::kIPv6});
  EXPECT_EQ(familiesOf("fd00:10:96::/108,10.96.0.0/12"), (std::vector{IpFamily::kIPv6, IpFamily::kIPv4}));
  for (const char* wrong : {"", "x", "10.0.0.0/8,10.1.0.0/16", "10.0.0.0/8,fd00::/64,fd01::/64", "10.0.0.0/8,"}) {
    EXPECT_THROW(requireRanges("--service-cidr", wrong), std::runtime_error) << wrong;
  }
  EXPECT_EQ(findRange("fd00::/108,10.96.0.0/12", IpFamily::kIPv4)->text(), "10.96.0.0/12");
  EXPECT_EQ(findRange("10.96.0.0/12", IpFamily::kIPv6), std::nullopt);
}

TEST(IpFamilies, ANodeHasAPieceOfEachRange) {
  EXPECT_EQ(nodeRanges("10.244.0.0/16", 110), "10.244.0.0/24");
  EXPECT_EQ(nodeRanges("10.244.0.0/16", 300), "10.244.0.0/23");
  EXPECT_EQ(nodeRanges("10.244.0.0/28", 110), "10.244.0.0/28");
  EXPECT_EQ(nodeRanges("10.244.0.0/16,fd00:10:244::/56", 110), "10.244.0.0/24,fd00:10:244::/64");
  EXPECT_EQ(nodeRanges("fd00:10:244::/112", 110), "fd00:10:244::/112");
}

TEST(IpFamilies, TheDnsHasTheTenthAddressOfTheFirstRange) {
  EXPECT_EQ(defaultClusterDns("10.43.0.0/16"), "10.43.0.10");
  EXPECT_EQ(defaultClusterDns("fd00:10:96::/108,10.96.0.0/12"), "fd00:10:96::a");
}

TEST(IpFamilies, AnIpv6AddressStandsInBracketsBeforeItsPort) {
  EXPECT_EQ(hostAndPort("192.0.2.1", 6443), "192.0.2.1:6443");
  EXPECT_EQ(hostAndPort("fd00::1", 6443), "[fd00::1]:6443");
}

}  // namespace
}  // namespace wherry::main
