#include "base/encoding.h"

#include <gtest/gtest.h>

namespace wherry::base {
namespace {

TEST(EncodingTest, Base64IsAsRfc4648Has) {
  const std::pair<const char*, const char*> kVectors[] = {
      {"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foob", "Zm9vYg=="}, {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, encoded] : kVectors) {
    EXPECT_EQ(encodeBase64(plain), encoded);
    EXPECT_EQ(decodeBase64(encoded), plain);
  }
  std::string bytes("\xfb\xff\xfe", 3);
  EXPECT_EQ(encodeBase64(bytes, Base64::kUrl), "-__-");
  EXPECT_EQ(decodeBase64("-__-", Base64::kUrl), bytes);
  EXPECT_EQ(encodeBase64("f", Base64::kUrl), "Zg");
  EXPECT_EQ(decodeBase64("Zg", Base64::kUrl), "f");
  EXPECT_EQ(decodeBase64("Zm9v\r\nYmFy"), "foobar");
}

TEST(EncodingTest, Base64RefusesWhatItDidNotMake) {
  for (const char* text : {"Z", "Zg=", "Zg", "Zg==Zg==", "Zm9v!", "Zm9v====", "-__-", "Zg===", "===="}) {
    EXPECT_FALSE(decodeBase64(text)) << text;
  }
}

TEST(EncodingTest, PercentGoesThereAndBack) {
  EXPECT_EQ(encodePercent("a b/c~"), "a%20b%2Fc~");
  EXPECT_EQ(decodePercent("a%20b%2fc"), "a b/c");
  EXPECT_FALSE(decodePercent("a%2"));
  EXPECT_FALSE(decodePercent("a%zz"));
}

TEST(EncodingTest, HashesAreTheKnownOnes) {
  EXPECT_EQ(fnv1a32("foobar"), 0xbf9cf968u);
  EXPECT_EQ(fnv1a64("foobar"), 0x85944171f73967e8ull);
  EXPECT_EQ(sha256Hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

}  // namespace
}  // namespace wherry::base
