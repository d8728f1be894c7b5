#include "ingress/quoting.h"

#include <gtest/gtest.h>

namespace wherry::ingress {
namespace {

TEST(Quoting, AWordIsLiteral) {
  EXPECT_EQ(word("plain"), "'plain'");
  EXPECT_EQ(word(""), "''");
  EXPECT_EQ(word(R"(a 'b' "c" $HOME \ # } {)"), R"('a '\''b'\'' "c" $HOME \ # } {')");
}

TEST(Quoting, FormatsHaveNoVariables) {
  EXPECT_EQ(literalFormat("100%[src] %ci"), "'100%%[src] %%ci'");
  EXPECT_EQ(formatWord(formatPart("/a%b'") + "%[path]"), R"('/a%%b'\''%[path]')");
}

TEST(Quoting, ReplacementsKnowTheirGroups) {
  EXPECT_EQ(replacement("/a/$2"), R"('/a/\2')");
  EXPECT_EQ(replacement(R"(\1 $x 5% $)"), R"('\\1 $x 5%% $')");
}

TEST(Quoting, ControlCharactersAreRefused) {
  for (std::string_view text : {std::string_view("a\nb"), std::string_view("a\0b", 3), std::string_view("\r"),
                                std::string_view("\x7f"), std::string_view("\t")}) {
    EXPECT_THROW(word(text), Unsayable);
    EXPECT_THROW(literalFormat(text), Unsayable);
    EXPECT_THROW(replacement(text), Unsayable);
    EXPECT_THROW(mapKey(text), Unsayable);
  }
}

TEST(Quoting, ArgumentsAreNames) {
  EXPECT_EQ(argument("X-Forwarded_For.1~"), "X-Forwarded_For.1~");
  for (std::string_view text : {"", "a b", "a)", "a,b", "a'", "ä", "a:"})
    EXPECT_THROW(argument(text), Unsayable) << text;
}

TEST(Quoting, KeysOfMapsHaveNoSpace) {
  EXPECT_EQ(mapKey("a.com/x#y"), "a.com/x#y");
  EXPECT_THROW(mapKey("a.com/x y"), Unsayable);
  EXPECT_THROW(mapKey(""), Unsayable);
}

}  // namespace
}  // namespace wherry::ingress
