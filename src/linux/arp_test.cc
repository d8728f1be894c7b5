#include "linux/arp.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace wherry::linux {
namespace {

std::string hex(std::string_view bytes) {
  std::string text;
  for (unsigned char byte : bytes) text += fmt::format("{:02x}", byte);
  return text;
}

TEST(Arp, AnAnnouncementNamesTheAddressTwice) {
  base::IpAddress address = *base::IpAddress::parse("192.0.2.50");
  MacAddress mac{0x02, 0, 0, 0, 0, 0x2a};
  EXPECT_EQ(hex(renderAnnouncement(ArpOperation::kRequest, address, mac)),
            "0001"  // Ethernet
            "0800"  // IPv4
            "0604"
            "0001"  // request
            "02000000002a"
            "c0000232"
            "000000000000"
            "c0000232");
  EXPECT_EQ(hex(renderAnnouncement(ArpOperation::kReply, address, mac)),
            "000108000604"
            "0002"
            "02000000002a"
            "c0000232"
            "02000000002a"
            "c0000232");
}

}  // namespace
}  // namespace wherry::linux
