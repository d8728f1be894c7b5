#include "main/dns_options.h"

#include <stdexcept>

#include <CLI/CLI.hpp>
#include <gtest/gtest.h>

namespace wherry::main {
namespace {

DnsOptions parse(const std::string& line) {
  CLI::App parser;
  DnsOptions options;
  declareDnsFlags(parser, options);
  parser.parse(line);
  return options;
}

TEST(DnsOptions, ResolversDomainsAndHostsAreReadFromTheirFlags) {
  DnsOptions options = parse(
      "--dns-upstream 192.0.2.1,tls://192.0.2.2#dns.example --dns-stub-domain corp.example=192.0.2.3,192.0.2.4 "
      "--dns-stub-domain lan=192.0.2.5 --dns-host printer.lan=192.0.2.6 --dns-host boat.lan=2001:db8::1 "
      "--dns-hosts /etc/wherry/hosts --dns-cache-size 1 --dns-cache-ttl 30 --dns-serve-stale 0 --dns-autopath");
  clusterdns::ForwardConfig config = forwardConfig(options);
  ASSERT_EQ(config.upstreams.size(), 2u);
  EXPECT_EQ(config.upstreams[1].text(), "tls://192.0.2.2:853#dns.example");
  ASSERT_EQ(config.stubDomains.size(), 2u);
  EXPECT_EQ(config.stubDomains[0].upstreams.size(), 2u);
  EXPECT_EQ(config.hosts.size(), 2u);
  EXPECT_EQ(config.hostsFile, "/etc/wherry/hosts");
  EXPECT_TRUE(options.searches);
  clusterdns::CacheLimits limits = cacheLimits(options);
  EXPECT_EQ(limits.bytes, 1u << 20);
  EXPECT_EQ(limits.success.count(), 30);
  EXPECT_EQ(limits.denial.count(), 1800);
  EXPECT_EQ(limits.staleFor.count(), 0);
}

TEST(DnsOptions, WhatIsWrongIsToldWithItsFlag) {
  const std::pair<const char*, const char*> kCases[] = {
      {"--dns-upstream dns.example", "--dns-upstream dns.example: not like 192.0.2.1, "},
      {"--dns-stub-domain corp.example", "--dns-stub-domain corp.example: not like corp.example=192.0.2.1,192.0.2.2"},
      {"--dns-host printer", "--dns-host printer: not like printer.example=192.0.2.7"},
  };
  for (const auto& [line, expected] : kCases) {
    std::string said = "nothing";
    try {
      forwardConfig(parse(line));
    } catch (const std::runtime_error& error) {
      said = error.what();
    }
    EXPECT_TRUE(said.starts_with(expected)) << said;
  }
  EXPECT_THROW(parse("--dns-serve-stale 604801"), CLI::ValidationError);
}

}  // namespace
}  // namespace wherry::main
