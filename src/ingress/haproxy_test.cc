#include "ingress/haproxy.h"

#include <gtest/gtest.h>

namespace wherry::ingress {
namespace {

TEST(HAProxyRefusal, HasTheLineAndTheWordsForPeople) {
  auto read = [](const std::string& words) {
    const Refusal refusal = readRefusal(words, "/run/haproxy.cfg");
    return std::to_string(refusal.line) + " " + refusal.words;
  };
  EXPECT_EQ(read("[NOTICE]   (7) : haproxy version is 2.6.12\n"
                 "[ALERT]    (7) : config : parsing [/run/haproxy.cfg:45] : unknown keyword 'x'.\n"
                 "[ALERT]    (7) : config : Error(s) found in configuration file : /run/haproxy.cfg\n"),
            "45 unknown keyword 'x'.");
  // Of the configuration's own .alert.
  EXPECT_EQ(read("[ALERT]    (7) : config : parsing [/run/haproxy.cfg:18]: 'built without Lua'.\n"),
            "18 'built without Lua'.");
  EXPECT_EQ(read("[ALERT]    (7) : Starting frontend port-80: cannot bind socket (Address already in use) for "
                 "[0.0.0.0:80]\n"),
            "0 Starting frontend port-80: cannot bind socket (Address already in use) for [0.0.0.0:80]");
  EXPECT_EQ(read(""), "0 it ended without a word");
}

}  // namespace
}  // namespace wherry::ingress
