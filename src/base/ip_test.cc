#include "base/ip.h"

#include <gtest/gtest.h>

namespace wherry::base {
namespace {

using namespace std::string_view_literals;

TEST(ParseIp, AnAddressIsItsBytes) {
  EXPECT_EQ(parseIp("10.96.0.10"), "\x0a\x60\x00\x0a"sv);
  EXPECT_EQ(parseIp("::1"), std::string(15, '\0') + '\1');
}

TEST(ParseIp, WhatHasMoreThanAnAddressIsNone) {
  for (std::string_view wrong : {""sv, "10.96.0"sv, "10.96.0.1 "sv, "010.1.1.1.1"sv, "fd00::1%eth0"sv, "[::1]"sv,
                                 "10.96.0.1\0"sv, "10.96.0.1\0.example.org"sv, "::1\0x"sv}) {
    EXPECT_FALSE(parseIp(wrong)) << wrong;
  }
}

}  // namespace
}  // namespace wherry::base
