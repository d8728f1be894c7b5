#include "main/dns_options.h"

#include <stdexcept>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "clusterdns/hosts_table.h"

namespace wherry::main {
namespace {

constexpr uint32_t kLongestTtl = 3600, kHighestRate = 1'000'000;
constexpr uint32_t kLongestCached = 7 * 24 * 3600;  // RFC 8767 section 4
constexpr uint32_t kLargestCache = 1024;            // MiB

void declareForwarding(CLI::App& parser, DnsOptions& options) {
  auto list = [&](const char* flag, std::vector<std::string>& value, const char* what, const char* type) {
    return parser.add_option(flag, value, what)->type_name(type)->allow_extra_args(false)->group("DNS");
  };
  auto number = [&](const char* flag, uint32_t& value, const char* what, uint32_t most) {
    parser.add_option(flag, value, what)->check(CLI::Range(0u, most))->capture_default_str()->group("DNS");
  };
  auto file = [&](const char* flag, std::string& value, const char* what) {
    return parser.add_option(flag, value, what)->type_name("FILE")->group("DNS");
  };
  list(
      "--dns-upstream", options.upstreams,
      "who is asked for names outside of the cluster: 192.0.2.1, 192.0.2.1:5353, tls://192.0.2.1#dns.example; several, "
      "in their order (default: the node's resolvers)",
      "UPSTREAM")
      ->delimiter(',');
  list("--dns-stub-domain", options.stubDomains, "who is asked for the names of one domain, as corp.example=192.0.2.1",
       "DOMAIN=UPSTREAM,...");
  list("--dns-host", options.hosts, "an address that a name outside of the cluster has, whatever resolvers say",
       "NAME=ADDRESS");
  file("--dns-hosts", options.hostsFile, "such addresses in the form of hosts(5); followed when it changes");
  file("--dns-tls-ca", options.tlsCaFile, "who may sign the certificates of resolvers (default: the system's)")
      ->check(CLI::ExistingFile);
  number("--dns-cache-size", options.cacheMebibytes, "MiB of answers that are kept; 0: none", kLargestCache);
  number("--dns-cache-ttl", options.cacheTtl, "seconds that an answer is kept at most", kLongestCached);
  number("--dns-cache-negative-ttl", options.cacheNegativeTtl, "... that a name does not exist", kLongestCached);
  number("--dns-serve-stale", options.serveStale,
         "seconds after its end that an answer is given when no resolver answers; 0: never", kLongestCached);
  parser
      .add_flag("--dns-autopath", options.searches,
                "go through a pod's search path on its behalf, so that ndots:5 costs one question")
      ->group("DNS");
}

}  // namespace

void declareDnsFlags(CLI::App& parser, DnsOptions& options) {
  parser.add_flag("--resolve-on-host", options.resolveOnHost,
                  "the node's own programs find the cluster's names too: puts the cluster DNS into /etc/resolv.conf");
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
  declareForwarding(parser, options);
}

clusterdns::ForwardConfig forwardConfig(const DnsOptions& options) {
  clusterdns::ForwardConfig config{.hostsFile = options.hostsFile, .tlsCaFile = options.tlsCaFile};
  auto require = [](auto parsed, const char* flag, const std::string& text, const char* example) {
    if (!parsed) throw std::runtime_error(fmt::format("{} {}: not like {}", flag, text, example));
    return *parsed;
  };
  for (const std::string& text : options.upstreams) {
    config.upstreams.push_back(require(clusterdns::parseUpstream(text), "--dns-upstream", text,
                                       "192.0.2.1, 192.0.2.1:5353 or tls://192.0.2.1#dns.example"));
  }
  for (const std::string& text : options.stubDomains) {
    config.stubDomains.push_back(
        require(clusterdns::parseStubDomain(text), "--dns-stub-domain", text, "corp.example=192.0.2.1,192.0.2.2"));
  }
  for (const std::string& text : options.hosts) {
    config.hosts.push_back(require(clusterdns::parseHostFlag(text), "--dns-host", text, "printer.example=192.0.2.7"));
  }
  if (config.upstreams.size() > clusterdns::kMaxUpstreams) {
    throw std::runtime_error(fmt::format("--dns-upstream: more than {}", clusterdns::kMaxUpstreams));
  }
  return config;
}

clusterdns::CacheLimits cacheLimits(const DnsOptions& options) {
  return {.bytes = size_t{options.cacheMebibytes} << 20,
          .success = std::chrono::seconds(options.cacheTtl),
          .denial = std::chrono::seconds(options.cacheNegativeTtl),
          .staleFor = std::chrono::seconds(options.serveStale)};
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
