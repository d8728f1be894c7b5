#include "main/host_resolver.h"

#include <gtest/gtest.h>

namespace wherry::main {
namespace {

TEST(HostResolver, TheClusterDnsIsTheFirstServerAndTheRestStays) {
  const char* before = "search lan\nnameserver 192.0.2.1\noptions timeout:1";
  std::string with = withClusterDns(before, "10.96.0.10");
  EXPECT_EQ(with,
            "# begin of what wherry server --resolve-on-host put here\n"
            "nameserver 10.96.0.10\n"
            "# end of what wherry server --resolve-on-host put here\n"
            "search lan\nnameserver 192.0.2.1\noptions timeout:1");
  EXPECT_EQ(withClusterDns(with, "10.96.0.10"), with) << "not twice";
  EXPECT_EQ(withoutClusterDns(with), before);
}

TEST(HostResolver, WhatOthersPutAroundItStays) {
  std::string with = "# mine\n" + withClusterDns("nameserver 192.0.2.1\n", "10.96.0.10") + "options rotate\n";
  EXPECT_EQ(withoutClusterDns(with), "# mine\nnameserver 192.0.2.1\noptions rotate\n");
  EXPECT_EQ(withoutClusterDns("nameserver 10.96.0.10\n"), "nameserver 10.96.0.10\n") << "it is not ours";
  EXPECT_EQ(withoutClusterDns("# begin of what wherry server --resolve-on-host put here\nx"),
            "# begin of what wherry server --resolve-on-host put here\nx");
  EXPECT_EQ(withoutClusterDns(withClusterDns("", "10.96.0.10")), "");
}

TEST(HostResolver, SystemdResolvedIsSentTheClustersNames) {
  EXPECT_EQ(renderResolvedDropIn("10.96.0.10", "cluster.local"),
            "# by wherry server --resolve-on-host\n[Resolve]\nDNS=10.96.0.10\nDomains=~cluster.local\n");
}

}  // namespace
}  // namespace wherry::main
