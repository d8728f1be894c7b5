#include "base/ip_address.h"

#include <gtest/gtest.h>

namespace wherry::base {
namespace {

IpAddress ip(const char* text) { return IpAddress::parse(text).value(); }
IpPrefix prefix(const char* text) { return IpPrefix::parse(text).value(); }

TEST(IpAddress, IsWrittenInItsCanonicalForm) {
  const std::pair<const char*, const char*> cases[] = {
      {"10.96.0.10", "10.96.0.10"},
      {"0.0.0.0", "0.0.0.0"},
      {"::", "::"},
      {"::1", "::1"},
      {"2001:DB8::A", "2001:db8::a"},                    // RFC 5952 section 4.3: lower case
      {"2001:0db8::0001", "2001:db8::1"},                // 4.1: no leading zeros
      {"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},  // 4.2.2: one group alone is not shortened
      {"2001:0:0:1:0:0:0:1", "2001:0:0:1::1"},           // 4.2.3: the longest run is
      {"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},     // and of equal ones the first
      {"fd00:10:96:0:0:0:0:a", "fd00:10:96::a"},
  };
  for (const auto& [given, canonical] : cases) EXPECT_EQ(ip(given).text(), canonical) << given;
}

TEST(IpAddress, IsNotMadeOfAnythingElse) {
  for (const char* wrong : {"", "10.96.0", "10.96.0.256", "10.96.0.1 ", "None", "010.1.1.1", "fd00::g", "fd00:::1",
                            "1:2:3:4:5:6:7", "::ffff:10.0.0.1", "fe80::1%eth0", "[::1]"}) {
    EXPECT_FALSE(IpAddress::parse(wrong)) << wrong;
  }
  EXPECT_FALSE(IpAddress::parse(std::string_view("10.96.0.1\0x", 11)));
}

TEST(IpAddress, KnowsItsFamilyAndItsBytes) {
  EXPECT_EQ(ip("10.96.0.10").family(), IpFamily::kIPv4);
  EXPECT_EQ(ip("10.96.0.10").ipv4Value(), 0x0a60000aU);
  EXPECT_EQ(ip("10.96.0.10").bytes(), std::string("\x0a\x60\x00\x0a", 4));
  EXPECT_EQ(ip("10.96.0.10").bytes().size(), 4);
  EXPECT_EQ(ip("fd00::a").family(), IpFamily::kIPv6);
  EXPECT_EQ(ip("fd00::a").bytes().size(), 16);
  for (const char* text : {"10.96.0.10", "fd00::a", "::", "0.0.0.0"}) {
    EXPECT_EQ(IpAddress::fromBytes(ip(text).bytes()), ip(text)) << text;
  }
  EXPECT_FALSE(IpAddress::fromBytes("abc"));
  EXPECT_NE(ip("::"), ip("0.0.0.0"));
  EXPECT_TRUE(ip("::").isUnspecified() && ip("0.0.0.0").isUnspecified() && IpAddress().isUnspecified());
  EXPECT_FALSE(ip("::1").isUnspecified() || ip("0.0.0.1").isUnspecified());
  EXPECT_TRUE(ip("::1").isLoopback() && ip("127.3.0.1").isLoopback());
  EXPECT_FALSE(ip("::2").isLoopback() || ip("128.0.0.1").isLoopback());
  EXPECT_TRUE(ip("fe80::1").isLinkLocal() && ip("febf::1").isLinkLocal() && ip("169.254.1.1").isLinkLocal());
  EXPECT_FALSE(ip("fec0::1").isLinkLocal() || ip("169.253.1.1").isLinkLocal());
}

TEST(IpAddress, IsCountedOnFrom) {
  EXPECT_EQ(ip("10.96.0.255").plus(1), ip("10.96.1.0"));
  EXPECT_EQ(ip("fd00::ffff:ffff:ffff:ffff").plus(1), ip("fd00:0:0:1::"));
  EXPECT_EQ(ip("10.96.1.0").minus(ip("10.96.0.1")), 255U);
  EXPECT_EQ(ip("fd00:0:0:1::").minus(ip("fd00::ffff:ffff:ffff:fffe")), 2U);
  EXPECT_EQ(ip("fd00::1").minus(ip("fd00::2")), std::nullopt);
  EXPECT_EQ(ip("fd01::").minus(ip("fd00::")), std::nullopt);
  EXPECT_EQ(ip("fd00::").minus(ip("10.0.0.1")), std::nullopt);
  EXPECT_LT(ip("10.0.0.2"), ip("10.0.0.10"));
  EXPECT_LT(ip("fd00::2"), ip("fd00::10"));
}

TEST(IpPrefix, LosesItsHostBits) {
  EXPECT_EQ(prefix("10.244.7.9/16").text(), "10.244.0.0/16");
  EXPECT_EQ(prefix("fd00:10:244:1::9/56").text(), "fd00:10:244::/56");
  EXPECT_EQ(prefix("fd00::9/0").text(), "::/0");
}

TEST(IpPrefix, ContainsWhatSharesItsBits) {
  const struct {
    const char *range, *address;
    bool inside;
  } cases[] = {{"10.96.0.0/12", "10.111.255.255", true},
               {"10.96.0.0/12", "10.112.0.0", false},
               {"0.0.0.0/0", "255.255.255.255", true},
               {"0.0.0.0/0", "::1", false},
               {"::/0", "10.0.0.1", false},
               {"::/0", "ffff::1", true},
               {"fd00::/108", "fd00::f:ffff", true},
               {"fd00::/108", "fd00::10:0", false},
               {"fd00::1/128", "fd00::1", true},
               {"fd00::1/128", "fd00::", false}};
  for (const auto& c : cases) EXPECT_EQ(prefix(c.range).contains(ip(c.address)), c.inside) << c.range << c.address;
  EXPECT_TRUE(prefix("fd00::/48").overlaps(prefix("fd00::1:0/112")));
  EXPECT_FALSE(prefix("fd00::/112").overlaps(prefix("fd00::1:0/112")));
}

TEST(IpPrefix, HasALastAddressAndAMask) {
  EXPECT_EQ(prefix("10.96.0.0/12").last(), ip("10.111.255.255"));
  EXPECT_EQ(prefix("10.96.0.0/12").mask(), ip("255.240.0.0"));
  EXPECT_EQ(prefix("fd00::/108").last(), ip("fd00::f:ffff"));
  EXPECT_EQ(prefix("fd00::/33").mask(), ip("ffff:ffff:8000::"));
  EXPECT_EQ(prefix("fd00::/108").hostBits(), 20);
}

TEST(IpPrefix, IsNotMadeOfAnythingElse) {
  for (const char* wrong : {"10.96.0.0", "10.96.0.0/33", "10.96.0.0/-1", "10.96.0.0/", "/12", "fd00::/129", "fd00::"}) {
    EXPECT_FALSE(IpPrefix::parse(wrong)) << wrong;
  }
}

TEST(CoverRange, TakesNoAddressMoreOrLess) {
  auto cover = [](const char* first, const char* last) {
    std::string text;
    for (const IpPrefix& prefix : coverRange(*IpAddress::parse(first), *IpAddress::parse(last))) {
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
  EXPECT_EQ(cover("fd00::1", "fd00::4"), "fd00::1/128 fd00::2/127 fd00::4/128");
  EXPECT_EQ(cover("::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"), "::/0");
  EXPECT_EQ(cover("192.0.2.2", "fd00::4"), "");
}

}  // namespace
}  // namespace wherry::base
