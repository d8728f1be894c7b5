#include "network/address_pool.h"

#include <gtest/gtest.h>

namespace wherry::network {
namespace {

base::IpAddress ip(const char* text) { return *base::IpAddress::parse(text); }
AddressPool pool(const char* cidr, std::optional<base::IpAddress> last = {}) {
  return AddressPool(*base::IpPrefix::parse(cidr), last);
}
std::string next(AddressPool& pool) {
  auto address = pool.takeNext();
  return address ? address->text() : "none";
}

TEST(AddressPool, LeavesOutTheNetworksAndTheBroadcastAddress) {
  auto addresses = pool("10.244.0.0/30");
  EXPECT_EQ(next(addresses), "10.244.0.1");
  EXPECT_EQ(next(addresses), "10.244.0.2");
  EXPECT_EQ(next(addresses), "none");
}

TEST(AddressPool, UsesAFreedAddressAgainOnlyAfterAllOthers) {
  auto addresses = pool("10.244.0.0/29");
  EXPECT_EQ(next(addresses), "10.244.0.1");
  addresses.release(ip("10.244.0.1"));
  for (const char* expected : {"10.244.0.2", "10.244.0.3", "10.244.0.4", "10.244.0.5", "10.244.0.6", "10.244.0.1"}) {
    EXPECT_EQ(next(addresses), expected);
  }
}

TEST(AddressPool, ContinuesAfterTheLastAddressOfAnEarlierLife) {
  auto addresses = pool("10.244.0.0/24", ip("10.244.0.77"));
  EXPECT_EQ(next(addresses), "10.244.0.78");
}

TEST(AddressPool, StartsAtTheBeginningWhenTheLastAddressIsOfAnotherCidr) {
  auto addresses = pool("10.244.0.0/24", ip("10.99.0.77"));
  EXPECT_EQ(next(addresses), "10.244.0.1");
}

TEST(AddressPool, SkipsAddressesThatHaveAnOwner) {
  auto addresses = pool("10.244.0.0/24");
  addresses.take(ip("10.244.0.1"));
  addresses.take(ip("10.244.0.2"));
  EXPECT_EQ(next(addresses), "10.244.0.3");
}

TEST(AddressPool, UsesBothAddressesOfASlash31AndTheOneOfASlash32) {
  auto two = pool("10.0.0.0/31");
  EXPECT_EQ(next(two), "10.0.0.0");
  EXPECT_EQ(next(two), "10.0.0.1");
  auto one = pool("10.0.0.5/32");
  EXPECT_EQ(next(one), "10.0.0.5");
  EXPECT_EQ(next(one), "none");
}

TEST(AddressPool, OfIpv6HasNoBroadcastAddress) {
  auto addresses = pool("fd00:10:244::/126");
  for (const char* expected : {"fd00:10:244::1", "fd00:10:244::2", "fd00:10:244::3", "none"}) {
    EXPECT_EQ(next(addresses), expected);
  }
  auto large = pool("fd00:10:244::/64", ip("fd00:10:244::ffff"));
  EXPECT_EQ(next(large), "fd00:10:244::1:0");
}

}  // namespace
}  // namespace wherry::network
