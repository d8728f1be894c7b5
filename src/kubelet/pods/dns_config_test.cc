#include "kubelet/pods/dns_config.h"

#include <gtest/gtest.h>

#include "kubelet/testing/pod_fixture.h"

namespace wherry::kubelet {
namespace {

std::string resolver(const char* spec) {
  ResolvConf node = parseResolvConf("# the node's\nnameserver 192.0.2.53\nsearch lan.example\noptions edns0\n");
  return renderResolvConf(podResolvConf(makePod(spec), {"10.96.0.10", "cluster.local"}, node));
}

constexpr const char* kCluster =
    "search default.svc.cluster.local svc.cluster.local cluster.local lan.example\n"
    "nameserver 10.96.0.10\n"
    "options ndots:5\n";
constexpr const char* kNode =
    "search lan.example\n"
    "nameserver 192.0.2.53\n"
    "options edns0\n";

TEST(ResolvConf, FollowsTheDnsPolicy) {
  EXPECT_EQ(resolver("dnsPolicy: ClusterFirst"), kCluster);
  EXPECT_EQ(resolver("dnsPolicy: Default"), kNode);
  EXPECT_EQ(resolver("hostNetwork: true\ndnsPolicy: ClusterFirst"), kNode);
  EXPECT_EQ(resolver("hostNetwork: true\ndnsPolicy: ClusterFirstWithHostNet"), kCluster);
  EXPECT_EQ(resolver("dnsPolicy: None\ndnsConfig: {nameservers: [192.0.2.1], searches: [a.example]}"),
            "search a.example\nnameserver 192.0.2.1\n");
}

TEST(ResolvConf, DnsConfigAddsAndItsOptionsReplace) {
  EXPECT_EQ(resolver("dnsPolicy: ClusterFirst\n"
                     "dnsConfig: {nameservers: [192.0.2.1], searches: [a.example], options: [{name: ndots, value: "
                     "'2'}, {name: debug}]}"),
            "search default.svc.cluster.local svc.cluster.local cluster.local lan.example a.example\n"
            "nameserver 10.96.0.10\nnameserver 192.0.2.1\noptions ndots:2 debug\n");
}

TEST(Hosts, NameThePodAndItsAliases) {
  auto hosts = renderHosts(makePod("hostname: db-0\nsubdomain: db\nhostAliases: [{ip: 192.0.2.9, hostnames: [a, b]}]"),
                           "10.244.0.7", "cluster.local", "");
  EXPECT_NE(hosts.find("10.244.0.7\tdb-0.db.default.svc.cluster.local\tdb-0\n"), std::string::npos) << hosts;
  EXPECT_NE(hosts.find("192.0.2.9\ta\tb\n"), std::string::npos) << hosts;
}

TEST(Hosts, OnTheHostNetworkAreTheNodes) {
  auto hosts = renderHosts(makePod("hostNetwork: true"), "192.0.2.1", "cluster.local", "127.0.0.1 localhost\n");
  EXPECT_EQ(hosts, "# Kubernetes-managed hosts file (host network).\n127.0.0.1 localhost\n");
}

TEST(Hostname, IsThePodsNameUnlessItSaysOtherwise) {
  EXPECT_EQ(podHostname(makePod("{}"), "cluster.local"), "web");
  EXPECT_EQ(podHostname(makePod("hostname: db-0"), "cluster.local"), "db-0");
  EXPECT_EQ(podHostname(makePod("subdomain: db\nsetHostnameAsFQDN: true"), "cluster.local"),
            "web.db.default.svc.cluster.local");
  EXPECT_EQ(podHostname(makePod("{}", "name: " + std::string(62, 'a') + "-bc"), "cluster.local"), std::string(62, 'a'));
}

}  // namespace
}  // namespace wherry::kubelet
