#include "main/dns_options.h"

#include <stdexcept>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace wherry::main {
namespace {

constexpr uint32_t kLongestTtl = 3600, kHighestRate = 1'000'000;

}  // namespace

void declareDnsFlags(CLI::App& parser, DnsOptions& options) {
  parser.add_option("--dns-ttl", options.ttl, "seconds that a client may keep a Service's address and names")
      ->check(CLI::Range(0u, kLongestTtl))
      ->capture_default_str()
      ->group("DNS");
  parser.add_option("--dns-headless-ttl", options.headlessTtl, "... the names and addresses of pods")
      ->check(CLI::Range(0u, kLongestTtl))
      ->capture_default_str()
      ->group("DNS");
  parser
      .add_option("--dns-rate-limit", options.answersPerSecond,
                  "answers a second to an address outside of the cluster, over UDP and without a cookie; 0: no limit")
      ->check(CLI::Range(0u, kHighestRate))
      ->capture_default_str()
      ->group("DNS");
  parser
      .add_option("--dns-transfer-to", options.transferTo,
                  "who may have the whole zone (AXFR): addresses and prefixes, separated by commas")
      ->delimiter(',')
      ->type_name("ADDRESSES")
      ->group("DNS");
}

clusterdns::ServiceLimits serviceLimits(const DnsOptions& options, std::vector<std::string> trusted) {
  clusterdns::ServiceLimits limits;
  limits.answersPerSecond = options.answersPerSecond;
  trusted.insert(trusted.end(), {"127.0.0.0/8", "::1"});
  limits.trusted = clusterdns::Prefixes::parse(trusted);
  try {
    limits.transferTo = clusterdns::Prefixes::parse(options.transferTo);
  } catch (const std::invalid_argument& error) {
    throw std::runtime_error(fmt::format("--dns-transfer-to {}", error.what()));
  }
  return limits;
}

}  // namespace wherry::main
