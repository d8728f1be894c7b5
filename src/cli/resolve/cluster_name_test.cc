#include "cli/resolve/cluster_name.h"

#include <gtest/gtest.h>

#include "base/strings.h"

namespace wherry::cli {
namespace {

std::string searched(const char* name) { return base::join(searchNames(name, "shop", "cluster.local"), " "); }

TEST(ClusterNameTest, AShortNameIsSearchedFor) {
  EXPECT_EQ(searched("web"), "web.shop.svc.cluster.local. web.svc.cluster.local. web.cluster.local. web.");
  EXPECT_EQ(
      searched("web.default"),
      "web.default.shop.svc.cluster.local. web.default.svc.cluster.local. web.default.cluster.local. web.default.");
}

TEST(ClusterNameTest, AWholeNameIsTriedAsItIs) { EXPECT_EQ(searched("web.default."), "web.default."); }

TEST(ClusterNameTest, ANameWithFiveDotsIsTriedAsItIsFirst) {
  EXPECT_EQ(
      searched("a.b.c.d.e.f"),
      "a.b.c.d.e.f. a.b.c.d.e.f.shop.svc.cluster.local. a.b.c.d.e.f.svc.cluster.local. a.b.c.d.e.f.cluster.local.");
}

TEST(ClusterNameTest, AddressesHaveNamesToo) {
  EXPECT_EQ(reverseNameOf("10.96.0.1"), "1.0.96.10.in-addr.arpa.");
  EXPECT_EQ(reverseNameOf("2001:db8::1"), "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa.");
  EXPECT_EQ(reverseNameOf("web"), "");
}

TEST(ClusterNameTest, WhatANameMeans) {
  using Kind = ClusterName::Kind;
  auto parse = [](const char* name) { return parseClusterName(name, "cluster.local"); };
  EXPECT_EQ(parse("www.example.com.").kind, Kind::kOutside);
  EXPECT_EQ(parse("notcluster.local.").kind, Kind::kOutside);
  EXPECT_EQ(parse("1.0.96.10.in-addr.arpa.").kind, Kind::kReverse);
  EXPECT_EQ(parse("cluster.local.").kind, Kind::kDomain);
  EXPECT_EQ(parse("web.cluster.local.").kind, Kind::kDomain);
  EXPECT_EQ(parse("svc.cluster.local.").kind, Kind::kNamespace);
  EXPECT_EQ(parse("shop.svc.cluster.local.").ns, "shop");
  EXPECT_EQ(parse("10-244-0-7.shop.pod.cluster.local.").kind, Kind::kPod);
  ClusterName name = parse("_http._tcp.WEB.shop.svc.Cluster.Local");
  EXPECT_EQ(name.kind, Kind::kService);
  EXPECT_EQ(name.service + "/" + name.ns + "/" + base::join(name.below, "."), "web/shop/_http._tcp");
}

}  // namespace
}  // namespace wherry::cli
