#include "main/address_watch.h"

#include <gtest/gtest.h>

namespace wherry::main {
namespace {

base::IpAddress ip(const char* text) { return *base::IpAddress::parse(text); }

TEST(DecideNodeIpTest, TheAddressIsKeptWhileTheNodeHasIt) {
  linux::NodeAddresses addresses{.addresses = {{"lo", ip("127.0.0.1"), true}, {"eth0", ip("192.0.2.2")}}};
  struct Case {
    const char* name;
    std::vector<linux::NodeAddresses::Address> also;
    const char* current;
    std::optional<std::string> expected;
  };
  for (const Case& c : {Case{"it is still there", {}, "192.0.2.2", std::nullopt},
                        Case{"it is there beside a new one", {{"eth1", ip("198.51.100.1")}}, "192.0.2.2", std::nullopt},
                        Case{"it has gone and another has come", {}, "192.0.2.9", "192.0.2.2"}}) {
    linux::NodeAddresses now = addresses;
    now.addresses.insert(now.addresses.begin() + 1, c.also.begin(), c.also.end());
    EXPECT_EQ(decideNodeIp(c.current, now), c.expected) << c.name;
  }
  linux::NodeAddresses none{.addresses = {{"lo", ip("127.0.0.1"), true}, {"lo", ip("10.96.0.10"), true}}};
  EXPECT_EQ(decideNodeIp("192.0.2.2", none), std::nullopt) << "without a network everything stays as it is";
}

}  // namespace
}  // namespace wherry::main
