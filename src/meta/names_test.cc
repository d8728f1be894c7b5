#include "meta/names.h"

#include <gtest/gtest.h>

namespace wherry::meta {
namespace {

using Check = std::vector<std::string> (*)(std::string_view);

struct Case {
  const char* name;
  Check check;
  std::vector<std::string> good;
  std::vector<std::string> bad;
};

class NamesTest : public testing::TestWithParam<Case> {};

TEST_P(NamesTest, acceptsAndRefuses) {
  for (const std::string& text : GetParam().good)
    EXPECT_TRUE(GetParam().check(text).empty()) << GetParam().name << ": " << text;
  for (const std::string& text : GetParam().bad)
    EXPECT_FALSE(GetParam().check(text).empty()) << GetParam().name << ": " << text;
}

std::string a(size_t count) { return std::string(count, 'a'); }

INSTANTIATE_TEST_SUITE_P(
    Table, NamesTest,
    testing::Values(
        Case{"label", checkDns1123Label, {"a", "0", "a-b", a(63)}, {"", "A", "-a", "a-", "a.b", "a_b", a(64)}},
        Case{"subdomain",
             checkDns1123Subdomain,
             {"a", "a.b-c.0", a(64), a(253)},
             {"", ".", "a..b", "a.", "A", "a.-b", a(254)}},
        Case{"service name", checkDns1035Label, {"a", "a0"}, {"0a", "", "a.b", "a-"}},
        Case{"path segment", checkPathSegment, {"system:node", "A b"}, {".", "..", "a/b", "a%b"}},
        Case{"label key",
             checkQualifiedName,
             {"a", "A.b_c", "example.com/a", a(63)},
             {"", "/a", "a/", "a/b/c", "A/b", "-a", a(64)}},
        Case{"label value", checkLabelValue, {"", "a", "A_b.c"}, {"-a", "a b", "a/b", a(64)}},
        Case{
            "address", checkIp, {"10.0.0.1", "::1"}, {"", "10.0.0", "010.0.0.1", "10.0.0.1/8", "x", "::ffff:10.0.0.1"}},
        Case{"port name", checkPortName, {"http", "a-1"}, {"", "80", "a--b", "-a", "A", "aaaaaaaaaaaaaaaa"}},
        Case{"environment variable", checkEnvName, {"A", "a.b-c", "1"}, {"", "a=b", "\n"}},
        Case{"config key", checkConfigMapKey, {"a", "A.b_c-d", ".x"}, {"", ".", "..", "..a", "a b", "a/b", a(254)}}));

TEST(NamesTest, saysWhatIsWrongInKubernetesWords) {
  EXPECT_EQ(checkDns1123Label("A").at(0),
            "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and "
            "end with an "
            "alphanumeric character (e.g. 'my-name', or '123-abc', regex used for validation is "
            "'[a-z0-9]([-a-z0-9]*[a-z0-9])?')");
  EXPECT_EQ(checkIp("10.0.010.1").at(0), "must not have leading 0s");
  EXPECT_EQ(checkIp("::ffff:10.0.0.1").at(0), "must not be an IPv4-mapped IPv6 address");
  EXPECT_EQ(checkIp("010.0.0").at(0), "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)");
}

}  // namespace
}  // namespace wherry::meta
