#include "main/token_file.h"

#include <gtest/gtest.h>

namespace wherry::main {
namespace {

TEST(TokenFileTest, ReadsUsersAndGroups) {
  auto tokens = parseTokenFile("# who may come in\nsecret,alice,1,\"system:masters, dev\"\n\nother,bob,2\n");
  ASSERT_EQ(tokens.size(), 2u);
  EXPECT_EQ(tokens[0].token, "secret");
  EXPECT_EQ(tokens[0].user.name, "alice");
  EXPECT_EQ(tokens[0].user.groups, (std::vector<std::string>{"system:masters", "dev"}));
  EXPECT_EQ(tokens[1].user.uid, "2");
  EXPECT_TRUE(tokens[1].user.groups.empty());
}

TEST(TokenFileTest, SaysWhichLineIsWrong) {
  for (const char* content : {"ok,a,1\nonly-a-token", "ok,a,1\n,bob,2", "ok,a,1\nt,bob,2,\"open"}) {
    try {
      parseTokenFile(content);
      FAIL() << content;
    } catch (const std::runtime_error& error) {
      EXPECT_TRUE(std::string(error.what()).starts_with("line 2:")) << error.what();
    }
  }
}

}  // namespace
}  // namespace wherry::main
