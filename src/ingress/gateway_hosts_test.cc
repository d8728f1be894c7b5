#include "ingress/gateway_hosts.h"

#include <gtest/gtest.h>

namespace wherry::ingress {
namespace {

struct HostCase {
  const char* name;
  const char *listener, *route;
  const char* common;  // "-": none
};

class HostTest : public testing::TestWithParam<HostCase> {};

TEST_P(HostTest, meet) {
  const HostCase& c = GetParam();
  EXPECT_EQ(commonHost(c.listener, c.route).value_or("-"), c.common) << c.name;
  EXPECT_EQ(commonHost(c.route, c.listener).value_or("-"), c.common) << c.name << ", the other way round";
}

INSTANTIATE_TEST_SUITE_P(
    Hosts, HostTest,
    testing::Values(HostCase{"the same name", "a.example.com", "a.example.com", "a.example.com"},
                    HostCase{"every name and one", "", "a.example.com", "a.example.com"},
                    HostCase{"every name twice", "", "", ""},
                    HostCase{"a wildcard and a name below", "*.example.com", "a.example.com", "a.example.com"},
                    HostCase{"a wildcard and a name far below", "*.example.com", "b.a.example.com", "b.a.example.com"},
                    HostCase{"a wildcard is not its own domain", "*.example.com", "example.com", "-"},
                    HostCase{"a wildcard and a closer one", "*.example.com", "*.a.example.com", "*.a.example.com"},
                    HostCase{"wildcards of two domains", "*.example.com", "*.example.net", "-"},
                    HostCase{"a domain that only ends the same", "*.example.com", "a.badexample.com", "-"},
                    HostCase{"two names", "a.example.com", "b.example.com", "-"}));

}  // namespace
}  // namespace wherry::ingress
