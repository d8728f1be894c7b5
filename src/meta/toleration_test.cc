#include "meta/toleration.h"

#include <gtest/gtest.h>

#include "json/yaml.h"

namespace wherry::meta {
namespace {

bool covers(std::string_view toleration, std::string_view taint) {
  return tolerates(json::parseYaml(toleration).as_object(), json::parseYaml(taint).as_object());
}

TEST(Tolerates, WhatItNamesAndNothingElse) {
  constexpr std::string_view kTaint = "{key: disk, value: slow, effect: NoSchedule}";
  EXPECT_TRUE(covers("{key: disk, value: slow, effect: NoSchedule}", kTaint));
  EXPECT_TRUE(covers("{key: disk, operator: Equal, value: slow}", kTaint)) << "any effect";
  EXPECT_TRUE(covers("{key: disk, operator: Exists}", kTaint)) << "any value";
  EXPECT_TRUE(covers("{operator: Exists}", kTaint)) << "any taint";
  EXPECT_FALSE(covers("{key: disk, value: slow, effect: NoExecute}", kTaint));
  EXPECT_FALSE(covers("{key: disk}", kTaint)) << "the empty value is a value";
  EXPECT_FALSE(covers("{key: net, operator: Exists}", kTaint));
  EXPECT_FALSE(covers("{operator: Exists, effect: NoExecute}", kTaint));
}

TEST(ToleratesAny, NeedsOneThatCovers) {
  const auto tolerations = json::parseYaml("[{key: a, operator: Exists}, {key: b, operator: Exists}]");
  EXPECT_TRUE(toleratesAny(tolerations.as_array(), json::parseYaml("{key: b, effect: NoExecute}").as_object()));
  EXPECT_FALSE(toleratesAny(tolerations.as_array(), json::parseYaml("{key: c, effect: NoExecute}").as_object()));
}

}  // namespace
}  // namespace wherry::meta
