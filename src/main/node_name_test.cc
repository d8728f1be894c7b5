#include "main/node_name.h"

#include <gtest/gtest.h>

#include "meta/names.h"

namespace wherry::main {
namespace {

TEST(NodeNameTest, EveryHostGetsANameThatANodeMayHave) {
  struct Case {
    const char* host;
    const char* expected;
  };
  for (const Case& c :
       {Case{"node", "node"}, Case{"My_Host", "my-host"}, Case{"a.example.org", "a.example.org"},
        Case{"_x_._y_", "x.y"}, Case{"-", "node"}, Case{"", "node"}, Case{"..", "node"}, Case{"rack 3", "rack-3"}}) {
    EXPECT_EQ(nodeNameOf(c.host), c.expected) << c.host;
    EXPECT_TRUE(meta::checkDns1123Subdomain(nodeNameOf(c.host)).empty()) << c.host;
  }
  EXPECT_TRUE(meta::checkDns1123Subdomain(nodeNameOf(std::string(300, 'A'))).empty());
}

}  // namespace
}  // namespace wherry::main
