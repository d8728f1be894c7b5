#include "apiserver/json_scan.h"

#include <gtest/gtest.h>

namespace wherry::apiserver {
namespace {

constexpr std::string_view kPod =
    R"({"metadata":{"name":"a","labels":{"x":"{\"}","y":"z"},"generation":3},"spec":{"nodeName":"n1","list":[{"a":"]"}],)"
    R"("hostNetwork":true},"status":{}})";

TEST(JsonScan, FindsWhatStandsAtAPath) {
  struct {
    const char* sentence;
    const char* path;
    const char* expected;
  } cases[] = {
      {"a text", "metadata.name", "\"a\""},
      {"a number", "metadata.generation", "3"},
      {"a value after texts with brackets and quotes", "metadata.labels.y", "\"z\""},
      {"an object", "metadata.labels", R"({"x":"{\"}","y":"z"})"},
      {"a truth", "spec.hostNetwork", "true"},
      {"an array with brackets in its texts", "spec.list", R"([{"a":"]"}])"},
      {"an empty object", "status", "{}"},
      {"a missing member", "status.phase", "nothing"},
      {"a path through a scalar", "metadata.name.x", "nothing"},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(findPath(kPod, c.path).value_or("nothing"), c.expected) << c.sentence;
  }
}

TEST(JsonScan, TurnsScalarsIntoText) {
  EXPECT_EQ(scalarText(R"("a\"b")"), "a\"b");
  EXPECT_EQ(scalarText("\"plain\""), "plain");
  EXPECT_EQ(scalarText("12"), "12");
  EXPECT_EQ(scalarText("null"), "");
}

}  // namespace
}  // namespace wherry::apiserver
