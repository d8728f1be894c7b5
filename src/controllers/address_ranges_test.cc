#include "controllers/address_ranges.h"

#include <stdexcept>

#include <gtest/gtest.h>

namespace wherry::controllers {
namespace {

TEST(AddressRanges, HoldPrefixesRangesAndSingleAddresses) {
  const auto ranges = AddressRanges::parse("192.0.2.10-192.0.2.20, 198.51.100.7/30,2001:db8::1,2001:db8:1::/126");
  for (auto inside : {"192.0.2.10", "192.0.2.20", "198.51.100.4", "198.51.100.7", "2001:db8::1", "2001:db8:1::3"}) {
    EXPECT_TRUE(ranges.contains(inside)) << inside;
  }
  for (auto outside : {"192.0.2.9", "192.0.2.21", "198.51.100.3", "198.51.100.8", "2001:db8::2", "2001:db8:1::4", "",
                       "web", "::ffff:192.0.2.10"}) {
    EXPECT_FALSE(ranges.contains(outside)) << outside;
  }
  EXPECT_TRUE(AddressRanges::parse("").empty());
}

TEST(AddressRanges, AreHandedOutFromTheFirstOn) {
  const auto ranges = AddressRanges::parse("192.0.2.254-192.0.3.1,2001:db8::fffe-2001:db8::1:0");
  EXPECT_EQ(ranges.firstFree(4, {}), "192.0.2.254");
  EXPECT_EQ(ranges.firstFree(4, {"192.0.2.254", "192.0.2.255"}), "192.0.3.0");
  EXPECT_EQ(ranges.firstFree(4, {"192.0.2.254", "192.0.2.255", "192.0.3.0", "192.0.3.1"}), std::nullopt);
  EXPECT_EQ(ranges.firstFree(16, {"2001:db8::fffe", "2001:db8::ffff"}), "2001:db8::1:0");
  EXPECT_EQ(AddressRanges::parse("255.255.255.255").firstFree(4, {"255.255.255.255"}), std::nullopt);
}

TEST(AddressRanges, RefuseWhatIsNone) {
  for (auto wrong : {"192.0.2", "192.0.2.1/33", "192.0.2.1/", "192.0.2.9-192.0.2.1", "192.0.2.1-2001:db8::1", "a-b",
                     "192.0.2.1;192.0.2.2", "2001:db8::/129"}) {
    EXPECT_THROW(AddressRanges::parse(wrong), std::invalid_argument) << wrong;
  }
}

}  // namespace
}  // namespace wherry::controllers
