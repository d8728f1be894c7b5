#include "linux/ipv4.h"

#include <gtest/gtest.h>

namespace wherry::linux {
namespace {

TEST(Ipv4Address, IsADottedQuadAndNothingElse) {
  EXPECT_EQ(Ipv4Address::parse("10.96.0.10")->value, 0x0a60000aU);
  EXPECT_EQ(Ipv4Address::parse("10.96.0.10")->text(), "10.96.0.10");
  for (const char* wrong : {"", "10.96.0", "10.96.0.256", "10.96.0.1 ", "fd00::1", "None", "010.1.1.1.1"}) {
    EXPECT_FALSE(Ipv4Address::parse(wrong)) << wrong;
  }
  EXPECT_FALSE(Ipv4Address::parse(std::string_view("10.96.0.1\0x", 11)));
}

TEST(Ipv4Prefix, LosesItsHostBits) { EXPECT_EQ(Ipv4Prefix::parse("10.244.7.9/16")->text(), "10.244.0.0/16"); }

TEST(Ipv4Prefix, ContainsWhatSharesItsBits) {
  auto services = *Ipv4Prefix::parse("10.96.0.0/12");
  EXPECT_TRUE(services.contains(*Ipv4Address::parse("10.111.255.255")));
  EXPECT_FALSE(services.contains(*Ipv4Address::parse("10.112.0.0")));
  EXPECT_TRUE(Ipv4Prefix::parse("0.0.0.0/0")->contains(*Ipv4Address::parse("255.255.255.255")));
}

TEST(Ipv4Prefix, IsNotMadeOfAnythingElse) {
  for (const char* wrong : {"10.96.0.0", "10.96.0.0/33", "10.96.0.0/-1", "10.96.0.0/", "/12"}) {
    EXPECT_FALSE(Ipv4Prefix::parse(wrong)) << wrong;
  }
}

TEST(Ipv4Prefix, CoverARangeWithoutAnAddressMoreOrLess) {
  auto cover = [](const char* first, const char* last) {
    std::string text;
    for (const Ipv4Prefix& prefix : coverRange(*Ipv4Address::parse(first), *Ipv4Address::parse(last))) {
      text += (text.empty() ? "" : " ") + prefix.text();
    }
    return text;
  };
  EXPECT_EQ(cover("192.0.2.7", "192.0.2.7"), "192.0.2.7/32");
  EXPECT_EQ(cover("192.0.2.0", "192.0.2.255"), "192.0.2.0/24");
  EXPECT_EQ(cover("192.0.2.10", "192.0.2.20"), "192.0.2.10/31 192.0.2.12/30 192.0.2.16/30 192.0.2.20/32");
  EXPECT_EQ(cover("0.0.0.0", "255.255.255.255"), "0.0.0.0/0");
  EXPECT_EQ(cover("255.255.255.254", "255.255.255.255"), "255.255.255.254/31");
  EXPECT_EQ(cover("192.0.2.2", "192.0.2.1"), "");
}

}  // namespace
}  // namespace wherry::linux
