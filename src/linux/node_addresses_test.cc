#include "linux/node_addresses.h"

#include <gtest/gtest.h>

namespace wherry::linux {
namespace {

base::IpAddress ip(const char* text) { return *base::IpAddress::parse(text); }

NodeAddresses boat() {
  return {.addresses = {{"lo", ip("127.0.0.1"), true}, {"eth0", ip("192.0.2.1")}, {"wlan0", ip("198.51.100.7")}}};
}

TEST(NodeIp, IsTheFirstAddressOfTheDefaultRoutesInterface) {
  NodeAddresses node = boat();
  node.defaultRoute = NodeAddresses::DefaultRoute{.interface = "wlan0"};
  EXPECT_EQ(findNodeIp(node), ip("198.51.100.7"));
}

TEST(NodeIp, IsWhatTheDefaultRouteItselfPrefers) {
  NodeAddresses node = boat();
  node.defaultRoute = NodeAddresses::DefaultRoute{.interface = "wlan0", .source = ip("198.51.100.8")};
  EXPECT_EQ(findNodeIp(node), ip("198.51.100.8"));
}

TEST(NodeIp, WithoutADefaultRouteIsTheFirstThatIsOnNoLoopback) { EXPECT_EQ(findNodeIp(boat()), ip("192.0.2.1")); }

TEST(NodeIp, OfEachFamilyIsItsOwn) {
  NodeAddresses node = boat();
  EXPECT_EQ(findNodeIp(node, base::IpFamily::kIPv6), std::nullopt);
  node.addresses.push_back({"lo", ip("::1"), true});
  node.addresses.push_back({"eth0", ip("2001:db8::1")});
  node.addresses.push_back({"wlan0", ip("2001:db8::7")});
  EXPECT_EQ(findNodeIp(node, base::IpFamily::kIPv6), ip("2001:db8::1"));
  node.defaultRoute6 = NodeAddresses::DefaultRoute{.interface = "wlan0"};
  EXPECT_EQ(findNodeIp(node, base::IpFamily::kIPv6), ip("2001:db8::7"));
  EXPECT_EQ(findNodeIp(node), ip("192.0.2.1"));
}

TEST(NodeIp, IsNothingWhereThereIsOnlyTheLoopback) {
  EXPECT_EQ(findNodeIp({.addresses = {{"lo", ip("127.0.0.1"), true}}}), std::nullopt);
}

TEST(NodeAddresses, OfThisNodeHaveTheLoopback) {
  EXPECT_TRUE(readNodeAddresses().contains(ip("127.0.0.1")) || readNodeAddresses().addresses.empty());
}

}  // namespace
}  // namespace wherry::linux
