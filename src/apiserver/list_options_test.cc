#include "apiserver/list_options.h"

#include <gtest/gtest.h>

#include "schema/registry.h"

namespace wherry::apiserver {
namespace {

ListOptions optionsOf(std::string_view query) {
  auto kind = schema::builtinRegistry()->findKind({"", "v1", "Pod"});
  return parseListOptions(*kind, *RequestInfo::parse("GET", "/api/v1/pods", query));
}

TEST(ListOptions, ATimeoutThatNoClockCanCountIsAVeryLongOne) {
  EXPECT_EQ(optionsOf("watch=1&timeoutSeconds=60").timeout, std::chrono::seconds(60));
  auto longest = optionsOf("watch=1&timeoutSeconds=9223372036854775807").timeout;
  ASSERT_TRUE(longest);
  EXPECT_GE(*longest, std::chrono::years(1));
  EXPECT_LE(*longest, std::chrono::years(100));  // as nanoseconds less than 64 bits hold
}

}  // namespace
}  // namespace wherry::apiserver
