#include "meta/quantity.h"

#include <gtest/gtest.h>

namespace wherry::meta {
namespace {

struct Case {
  const char* name;
  const char* input;
  const char* canonical;  // "" when refused
};

class QuantityTextTest : public testing::TestWithParam<Case> {};

TEST_P(QuantityTextTest, isCanonical) {
  auto quantity = Quantity::parse(GetParam().input);
  EXPECT_EQ(quantity ? quantity->text() : "", GetParam().canonical) << GetParam().name << ": " << GetParam().input;
}

INSTANTIATE_TEST_SUITE_P(
    Table, QuantityTextTest,
    testing::Values(Case{"zero", "0", "0"}, Case{"zero with a suffix", "0Gi", "0"}, Case{"minus zero", "-0", "0"},
                    Case{"whole", "5", "5"}, Case{"a sign", "+5", "5"}, Case{"negative", "-5", "-5"},
                    Case{"thousands", "2000", "2k"}, Case{"no suffix where one would leave a fraction", "1500", "1500"},
                    Case{"a fraction becomes milli", "1.5", "1500m"}, Case{"milli that are whole", "1000m", "1"},
                    Case{"milli that are thousands", "2000000m", "2k"}, Case{"micro", "1500u", "1500u"},
                    Case{"nano", "1n", "1n"}, Case{"below nano is rounded up", "0.1n", "1n"},
                    Case{"below nano is rounded away from zero", "-0.0000000001", "-1n"}, Case{"binary", "1Gi", "1Gi"},
                    Case{"binary goes to the largest suffix", "1024Mi", "1Gi"},
                    Case{"a binary fraction goes to a smaller suffix", "1.5Gi", "1536Mi"},
                    Case{"binary below 1024 has no suffix", "0.5Ki", "512"},
                    Case{"a binary number with parts of a byte becomes decimal", "1.0001Ki", "1024102400u"},
                    Case{"an exponent stays", "1e3", "1e3"},
                    Case{"an exponent is made a multiple of three", "12E4", "120e3"},
                    Case{"an exponent of zero goes", "5e0", "5"}, Case{"a negative exponent", "5e-1", "500e-3"},
                    Case{"exa is not an exponent", "2E", "2E"}, Case{"digits before the point may miss", ".5", "500m"},
                    Case{"digits behind the point may miss", "5.", "5"}, Case{"leading zeros", "0005", "5"},
                    Case{"too large is capped", "100000E", "9223372036854775807"},
                    Case{"far too large is capped", "1e10000000", "9223372036854775807"},
                    Case{"binary is capped", "8Ei", "9223372036854775807"},
                    Case{"the largest", "9223372036854775807", "9223372036854775807"},
                    Case{"many digits", "1.00000000000000000000000000000000000000000000000001", "1000000001n"},
                    Case{"empty", "", ""}, Case{"no digits", ".", ""}, Case{"only a suffix", "Gi", ""},
                    Case{"a space", "1 Gi", ""}, Case{"an unknown suffix", "1K", ""}, Case{"two points", "1.2.3", ""},
                    Case{"lots", "lots", ""}, Case{"an exponent without digits", "1e", ""},
                    Case{"two signs", "--1", ""}));

TEST(QuantityTest, roundsUpToUnits) {
  EXPECT_EQ(Quantity::parse("100m")->value(), 1);
  EXPECT_EQ(Quantity::parse("-100m")->value(), -1);
  EXPECT_EQ(Quantity::parse("1")->milli(), 1000);
  EXPECT_EQ(Quantity::parse("1u")->milli(), 1);
  EXPECT_EQ(Quantity::parse("1Gi")->value(), 1073741824);
  EXPECT_EQ(Quantity::parse("1u")->roundedUpToMilli().text(), "1m");
}

TEST(QuantityTest, addsAndCompares) {
  EXPECT_EQ((*Quantity::parse("1") + *Quantity::parse("500m")).text(), "1500m");
  EXPECT_EQ((Quantity() + *Quantity::parse("1Gi")).text(), "1Gi");
  EXPECT_EQ((*Quantity::parse("1Gi") - *Quantity::parse("512Mi")).text(), "512Mi");
  EXPECT_EQ(*Quantity::parse("1000m"), *Quantity::parse("1"));
  EXPECT_LT(*Quantity::parse("1M"), *Quantity::parse("1Mi"));
  EXPECT_EQ(Quantity::of(1024, Quantity::Format::kBinarySI).text(), "1Ki");
  EXPECT_EQ(Quantity::ofMilli(250).text(), "250m");
}

}  // namespace
}  // namespace wherry::meta
