#include "linux/netlink_message.h"

#include <gtest/gtest.h>
#include <linux/netlink.h>

namespace wherry::linux {
namespace {

std::string_view attributesOf(NetlinkMessage& message) { return message.finish(7).substr(sizeof(nlmsghdr)); }

TEST(NetlinkMessage, CarriesItsLengthAndNumber) {
  NetlinkMessage message(42, NLM_F_ACK);
  message.u32(1, 5);
  auto header = *readFixed<nlmsghdr>(message.finish(7));
  EXPECT_EQ(header.nlmsg_type, 42);
  EXPECT_EQ(header.nlmsg_seq, 7u);
  EXPECT_EQ(header.nlmsg_flags, NLM_F_REQUEST | NLM_F_ACK);
  EXPECT_EQ(header.nlmsg_len, sizeof(nlmsghdr) + 8);
}

TEST(NetlinkMessage, ReadsAsItWasWritten) {
  NetlinkMessage message(1, 0);
  message.text(1, "eth0");
  message.be16(2, 8080);
  auto nest = message.nest(3);
  message.be32(4, 0x0a600001);
  message.u8(5, 17);
  message.endNest(nest);
  message.u32(6, 99);
  NetlinkAttributes attributes(attributesOf(message));
  EXPECT_EQ(attributes.findText(1), "eth0");
  EXPECT_EQ(attributes.findBe16(2), 8080);
  EXPECT_EQ(attributes.findNest(3)->findBe32(4), 0x0a600001U);
  EXPECT_EQ(attributes.findNest(3)->findU8(5), 17);
  EXPECT_EQ(attributes.findU32(6), 99U);
  EXPECT_FALSE(attributes.find(7));
}

TEST(NetlinkAttributes, EndWhereTheyAreMalformed) {
  NetlinkMessage message(1, 0);
  message.u32(1, 5);
  message.u32(2, 6);
  std::string data(attributesOf(message));
  EXPECT_FALSE(NetlinkAttributes(std::string_view(data).substr(0, 14)).find(2));
  data[8] = 3;  // shorter than its own header
  EXPECT_FALSE(NetlinkAttributes(data).find(2));
  data[8] = 127;  // longer than what is there
  EXPECT_FALSE(NetlinkAttributes(data).find(2));
  EXPECT_EQ(NetlinkAttributes(data).findU32(1), 5U);
}

TEST(NetlinkAttributes, OfTheWrongSizeAreNoNumbers) {
  NetlinkMessage message(1, 0);
  message.u8(1, 5);
  EXPECT_FALSE(NetlinkAttributes(attributesOf(message)).findU32(1));
}

}  // namespace
}  // namespace wherry::linux
