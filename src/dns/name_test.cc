#include "dns/name.h"

#include <gtest/gtest.h>

namespace wherry::dns {
namespace {

struct ParseCase {
  const char* what;
  std::string text;
  std::optional<std::string> shown;
};

TEST(NameTest, ParsesAndShowsNames) {
  const ParseCase kCases[] = {
      {"the root", ".", "."},
      {"a name with its last dot", "web.default.", "web.default."},
      {"a name without its last dot", "web.default", "web.default."},
      {"the case is kept", "Web.Default", "Web.Default."},
      {"an escaped dot belongs to its label", "a\\.b.c", "a\\.b.c."},
      {"a byte by its number", "a\\032b", "a\\032b."},
      {"an empty label is refused", "a..b", std::nullopt},
      {"a leading dot is refused", ".a", std::nullopt},
      {"a label of 63 bytes fits", std::string(63, 'a'), std::string(63, 'a') + "."},
      {"a label of 64 bytes is refused", std::string(64, 'a'), std::nullopt},
      {"a broken escape is refused", "a\\", std::nullopt},
      {"a number above 255 is refused", "a\\999", std::nullopt},
  };
  for (const ParseCase& c : kCases) {
    auto name = Name::parse(c.text);
    EXPECT_EQ(name ? std::optional(name->text()) : std::nullopt, c.shown) << c.what;
  }
}

TEST(NameTest, RefusesNamesLongerThan255Bytes) {
  std::string label(49, 'a');
  std::string name = label + "." + label + "." + label + "." + label + "." + label;  // 5 * 50 + 1 bytes
  EXPECT_TRUE(Name::parse(name));
  EXPECT_FALSE(Name::parse(name + ".bcdef"));
}

TEST(NameTest, ComparesWithoutCase) {
  EXPECT_EQ(Name::of("WEB.default."), Name::of("web.DEFAULT."));
  EXPECT_TRUE(Name::of("a.WEB.default.").isAtOrBelow(Name::of("web.default.")));
  EXPECT_TRUE(Name::of("web.default.").isAtOrBelow(Name::of("web.default.")));
  EXPECT_FALSE(Name::of("aweb.default.").isAtOrBelow(Name::of("web.default.")));
  EXPECT_TRUE(Name::of("web.").isAtOrBelow(Name()));
}

TEST(LowerNameTest, FindsLabelsAndRefusesWhatIsNoName) {
  LowerName name;
  ASSERT_TRUE(name.assign(std::string("\3Web\7DEFAULT\0rest", 17)));
  EXPECT_EQ(name.size(), 13u);
  EXPECT_EQ(name.labelCount(), 2u);
  EXPECT_EQ(name.label(0), "web");
  EXPECT_EQ(name.from(1), std::string("\7default\0", 9));
  EXPECT_EQ(name.from(2), std::string(1, '\0'));
  std::string longest;
  for (int i = 0; i < 127; ++i) longest += "\1a";
  EXPECT_TRUE(name.assign(longest + std::string(1, '\0')));
  EXPECT_EQ(name.labelCount(), 127u);
  EXPECT_FALSE(name.assign("\1a" + longest + std::string(1, '\0')));
  EXPECT_FALSE(name.assign("\3we"));
  EXPECT_FALSE(name.assign("\3web"));
  EXPECT_FALSE(name.assign(std::string("\xc0\0", 2)));
  EXPECT_FALSE(name.assign(""));
}

TEST(NameTest, ReadsCompressedNames) {
  std::string message = std::string(12, '\0') + std::string("\3web\7default\0", 13) + std::string("\1a\xc0\x0c", 4);
  size_t at = 12 + 13;
  auto name = Name::read(message, at);
  ASSERT_TRUE(name);
  EXPECT_EQ(name->text(), "a.web.default.");
  EXPECT_EQ(at, message.size());
}

TEST(NameTest, RefusesHostileNames) {
  const std::pair<const char*, std::string> kCases[] = {
      {"a pointer into the header", std::string("\1a\0\0\0\0\0\0\0\0\0\0\xc0\x00", 14)},
      {"a pointer to itself", std::string("\xc0\x00", 2)},
      {"a pointer forwards", std::string("\xc0\x05\0\0\0\0", 6)},
      {"a label beyond the end", std::string("\x3f"
                                             "ab",
                                             3)},
      {"no end", std::string("\1a\1b", 4)},
      {"a reserved label type", std::string("\x80"
                                            "a\0",
                                            3)},
      {"half a pointer", std::string("\xc0", 1)},
  };
  for (const auto& [what, message] : kCases) {
    size_t at = message.size() == 14 ? 12 : 0;
    EXPECT_FALSE(Name::read(message, at)) << what;
  }
}

TEST(NameTest, TurnsAddressesIntoReverseNamesAndBack) {
  std::string v4("\x0a\x01\x00\x03", 4);
  EXPECT_EQ(reverseName(v4).text(), "3.0.1.10.in-addr.arpa.");
  EXPECT_EQ(addressOfReverse(reverseName(v4).labels()), v4);
  std::string v6 = std::string("\xfd", 1) + std::string(14, '\0') + "\1";
  EXPECT_EQ(reverseName(v6).text(), "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.d.f.ip6.arpa.");
  EXPECT_EQ(addressOfReverse(reverseName(v6).labels()), v6);
  EXPECT_FALSE(addressOfReverse(Name::of("0.1.10.in-addr.arpa.").labels()));
  EXPECT_FALSE(addressOfReverse(Name::of("300.0.1.10.in-addr.arpa.").labels()));
  EXPECT_FALSE(addressOfReverse(Name::of("01.0.1.10.in-addr.arpa.").labels()));
}

}  // namespace
}  // namespace wherry::dns
