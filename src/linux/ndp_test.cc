#include "linux/ndp.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace wherry::linux {
namespace {

TEST(Ndp, AnAdvertisementOverridesAndNamesTheLinkAddress) {
  base::IpAddress address = *base::IpAddress::parse("2001:db8::50");
  MacAddress mac{0x02, 0, 0, 0, 0, 0x2a};
  auto hex = [&](bool fromRouter) {
    std::string text;
    for (unsigned char byte : renderAdvertisement(address, mac, fromRouter)) text += fmt::format("{:02x}", byte);
    return text;
  };
  EXPECT_EQ(hex(false),
            "88000000"  // neighbour advertisement; the checksum is the kernel's
            "20000000"  // override
            "20010db8000000000000000000000050"
            "020102000000002a");
  EXPECT_EQ(hex(true).substr(8, 8), "a0000000");
}

}  // namespace
}  // namespace wherry::linux
