#include "main/server_options.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <filesystem>
#include <stdexcept>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include "apiserver/flow/go_duration.h"
#include "base/strings.h"
#include "controllers/address_ranges.h"
#include "json/yaml.h"
#include "kubelet/images/registries.h"
#include "linux/node_addresses.h"
#include "main/ip_families.h"
#include "main/node_name.h"
#include "meta/names.h"

namespace wherry::main {
namespace {

void checkRanges(const ServerOptions& options) {
  auto pods = requireRanges("--cluster-cidr", options.clusterCidr);
  auto services = requireRanges("--service-cidr", options.serviceCidr);
  for (const base::IpPrefix& pod : pods) {
    for (const base::IpPrefix& service : services) {
      if (!pod.overlaps(service)) continue;
      throw std::runtime_error(
          fmt::format("--cluster-cidr {} and --service-cidr {} overlap; choose two ranges that don't",
                      options.clusterCidr, options.serviceCidr));
    }
    if (!findRange(options.serviceCidr, pod.family()) || pods.size() != services.size()) {
      throw std::runtime_error(fmt::format("--cluster-cidr {} and --service-cidr {} are not of the same families",
                                           options.clusterCidr, options.serviceCidr));
    }
  }
  auto dns = base::IpAddress::parse(options.clusterDns);
  if (!dns || !services.front().contains(*dns)) {
    throw std::runtime_error(fmt::format("--cluster-dns {} is not an address of --service-cidr {}", options.clusterDns,
                                         services.front().text()));
  }
}

void checkLoadBalancerPool(const ServerOptions& options) {
  try {
    static_cast<void>(controllers::AddressRanges::parse(options.loadBalancerPool));
  } catch (const std::invalid_argument& error) {
    throw std::runtime_error(fmt::format("--load-balancer-pool: {}", error.what()));
  }
}

// The API alone also runs on a machine without a network; its `kubernetes` Service then leads nowhere.
std::string findOwnAddress(base::IpFamily family, bool onlyApi) {
  auto ip = linux::findNodeIp(linux::readNodeAddresses(), family);
  bool isV4 = family == base::IpFamily::kIPv4;
  if (!ip && onlyApi) return isV4 ? "127.0.0.1" : "::1";
  if (ip) return ip->text();
  throw std::runtime_error(isV4 ? "this machine has no address but loopback; give one with --node-ip"
                                : "this machine has no IPv6 address but loopback and link-local ones; give one with "
                                  "--node-ip");
}

// One address for each family of the cluster, in the cluster's order, out of those given or else found.
void completeNodeIps(ServerOptions& options) {
  std::vector<base::IpAddress> given;
  for (std::string_view text : base::split(options.nodeIp, ',')) {
    auto ip = base::IpAddress::parse(text);
    if (!ip && !options.nodeIp.empty()) {
      throw std::runtime_error(fmt::format("--node-ip {}: not an IP address", options.nodeIp));
    }
    if (ip) given.push_back(*ip);
  }
  std::vector<std::string> ips;
  for (base::IpFamily family : familiesOf(options.serviceCidr)) {
    auto found = std::find_if(given.begin(), given.end(), [&](const auto& ip) { return ip.family() == family; });
    ips.push_back(found == given.end() ? findOwnAddress(family, options.onlyApi()) : found->text());
  }
  options.nodeIp = ips.front();
  options.nodeIps = base::join(ips, ",");
}

// A range of Services of one's own has its cluster DNS at the usual place; an API that is asked by IPv6 listens there.
void completeFamilies(ServerOptions& options) {
  auto services = requireRanges("--service-cidr", options.serviceCidr);
  auto dns = base::IpAddress::parse(options.clusterDns);
  bool isDefault = options.clusterDns == ServerOptions().clusterDns;
  if (isDefault && !services.front().contains(*dns)) options.clusterDns = defaultClusterDns(options.serviceCidr);
  bool anyV6 = findRange(options.serviceCidr, base::IpFamily::kIPv6).has_value();
  if (anyV6 && options.bindAddress == ServerOptions().bindAddress) options.bindAddress = "::";
}

void declareEvictionFlags(CLI::App& parser, kubelet::EvictionFlags& flags) {
  const auto add = [&](const char* name, std::string& value, const char* help) {
    parser.add_option(name, value, help)->type_name("SIGNALS")->capture_default_str();
  };
  add("--eviction-hard", flags.hard, "pods go at once when the node has less: memory.available<100Mi,...");
  add("--eviction-soft", flags.soft, "pods go when the node has had less for its --eviction-soft-grace-period");
  add("--eviction-soft-grace-period", flags.softGrace, "memory.available=1m30s,...");
  add("--eviction-minimum-reclaim", flags.minimumReclaim, "so much more is freed: nodefs.available=500Mi,...");
  parser
      .add_option("--eviction-pressure-transition-period", flags.transition,
                  "how long the node's condition stays after there is enough again")
      ->type_name("DURATION")
      ->capture_default_str();
  parser
      .add_option("--eviction-max-pod-grace-period", flags.maxPodGraceSeconds,
                  "how long pods have to end that go for --eviction-soft, in seconds")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
}

// Before anything is started.
void checkNodeFlags(const ServerOptions& options) {
  try {
    static_cast<void>(kubelet::parseEviction(options.eviction));
  } catch (const std::invalid_argument& error) {
    throw std::runtime_error(fmt::format("--eviction-...: {}", error.what()));
  }
  static_cast<void>(shutdownPeriodsOf(options));
}

}  // namespace

bool ServerOptions::enabled(const std::string& component) const {
  return !onlyApi() && std::find(disabled.begin(), disabled.end(), component) == disabled.end();
}

const std::set<std::string>& components() {
  static const std::set<std::string> names = {"controllers", "scheduler", "kubelet", "proxy",
                                              "policy",      "dns",       "ingress"};
  return names;
}

void declareServerFlags(CLI::App& parser, ServerOptions& options) {
  parser.add_option("--data-dir", options.dataDir, "where everything is kept")->type_name("DIR")->capture_default_str();
  parser.add_option("--run-dir", options.runDir, "where what lasts until the next boot is kept")
      ->type_name("DIR")
      ->capture_default_str();
  parser.add_option("--log-dir", options.logDir, "where the pods' logs are kept, in pods/ and containers/")
      ->type_name("DIR")
      ->capture_default_str();
  parser.add_option("--bind-address", options.bindAddress, "the address the API listens on")->capture_default_str();
  parser.add_option("--port", options.port, "the port the API listens on")->capture_default_str();
  parser.add_option("--node-name", options.nodeName, "this node's name (default: the host's)");
  parser.add_option("--node-ip", options.nodeIp,
                    "this node's address, or one of each family, separated by a comma "
                    "(default: the default route's)");
  parser
      .add_option("--cluster-cidr", options.clusterCidr,
                  "the pods' addresses: a range, or one of IPv4 and one of IPv6, "
                  "separated by a comma")
      ->capture_default_str();
  parser
      .add_option("--service-cidr", options.serviceCidr,
                  "the Services' addresses, likewise; the first family is the "
                  "Services' default")
      ->capture_default_str();
  parser
      .add_option(
          "--load-balancer-pool", options.loadBalancerPool,
          "addresses for Services of type LoadBalancer, announced to the neighbours by ARP: prefixes and ranges, "
          "separated by commas (default: the node's own addresses, with the Services' ports opened)")
      ->type_name("ADDRESSES");
  parser.add_option("--cluster-domain", options.clusterDomain, "the end of all cluster names")->capture_default_str();
  parser.add_option("--cluster-dns", options.clusterDns, "the address of the cluster DNS")->capture_default_str();
  parser.add_option("--max-pods", options.maxPods, "how many pods this node takes")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  parser.add_option("--pod-pids-limit", options.podPidsLimit, "how many processes and threads a pod may have")
      ->check(CLI::Range(int64_t{16}, int64_t{1} << 22))
      ->capture_default_str();
  parser.add_option("--datastore", options.datastore, "where objects are stored")
      ->check(CLI::IsMember({"sqlite"}))
      ->capture_default_str();
  auto* only = parser.add_option("--only", options.only, "run this alone")->check(CLI::IsMember({"api"}));
  parser.add_option("--disable", options.disabled, "leave these out, separated by commas")
      ->delimiter(',')
      ->check(CLI::IsMember(components()))
      ->excludes(only);
  parser
      .add_option("--write-kubeconfig", options.kubeconfig,
                  "where the admin's kubeconfig goes (default: DATA-DIR/admin.kubeconfig)")
      ->type_name("FILE");
  parser
      .add_option("--token-auth-file", options.tokenFile,
                  "static tokens, one `token,user,uid,\"group1,group2\"` a line")
      ->check(CLI::ExistingFile);
  parser
      .add_option("--service-account-max-token-expiration", options.maxTokenExpiration,
                  "how long a ServiceAccount's token may live, 24h or 1h30m; 0: as long as it is asked for")
      ->type_name("DURATION")
      ->capture_default_str();
  parser
      .add_flag("--service-account-extend-token-expiration", options.extendTokenExpiration,
                "pods' own tokens are good for a year, for clients that don't read the file again; =false: an hour")
      ->default_str("true");
  parser
      .add_option("--encryption-config", options.encryptionConfig,
                  "which resources are encrypted on the disk, as a Kubernetes EncryptionConfiguration")
      ->type_name("FILE")
      ->check(CLI::ExistingFile);
  declareEvictionFlags(parser, options.eviction);
  parser
      .add_option("--shutdown-grace-period", options.shutdownGracePeriod,
                  "how long pods have to end when the machine goes down (wherry shutdown-pods)")
      ->type_name("DURATION")
      ->capture_default_str();
  parser
      .add_option("--shutdown-grace-period-critical-pods", options.shutdownGracePeriodCriticalPods,
                  "the last part of it, for pods of the system's priorities")
      ->type_name("DURATION")
      ->capture_default_str();
  parser
      .add_option(
          "--manifests", options.manifests,
          "a directory whose .yaml and .json files are applied to the cluster, and what is no longer in them is "
          "deleted (default: DATA-DIR/manifests)")
      ->type_name("DIR");
  parser
      .add_option("--pod-manifest-path", options.podManifestPath,
                  "a directory whose files are pods that this node runs as long as they are there (static pods)")
      ->type_name("DIR");
  parser
      .add_option("--registries", options.registries,
                  "mirrors, logins and certificates of image registries, in the form of k3s' registries.yaml")
      ->capture_default_str();
  parser
      .add_option("--log-level", options.logLevel,
                  "from which level on messages are logged; debug has a line for each request")
      ->check(CLI::IsMember({"debug", "info", "warn", "error"}))
      ->capture_default_str();
  declareDnsFlags(parser, options.dns);
  declareIngressFlags(parser, options.ingress);
  declareLimitFlags(parser, options.limits);
  declareOidcFlags(parser, options.oidc);
}

std::string ownNodeName() {
  std::array<char, 256> name{};
  ::gethostname(name.data(), name.size() - 1);
  return nodeNameOf(name.data());
}

kubelet::ShutdownPeriods shutdownPeriodsOf(const ServerOptions& options) {
  const auto read = [](const char* flag, const std::string& text) {
    const auto given = apiserver::parseGoDuration(text);
    if (!given || *given < std::chrono::seconds(0)) {
      throw std::runtime_error(fmt::format("{} {}: not a duration as 30s or 1m30s", flag, text));
    }
    return std::chrono::duration_cast<std::chrono::seconds>(*given);
  };
  kubelet::ShutdownPeriods periods{
      read("--shutdown-grace-period", options.shutdownGracePeriod),
      read("--shutdown-grace-period-critical-pods", options.shutdownGracePeriodCriticalPods)};
  if (periods.critical > periods.total) {
    throw std::runtime_error("--shutdown-grace-period-critical-pods is a part of --shutdown-grace-period: no longer");
  }
  return periods;
}

apiserver::TokenLife tokenLifeOf(const ServerOptions& options) {
  constexpr std::chrono::seconds kMost{int64_t{1} << 32};
  const auto given = apiserver::parseGoDuration(options.maxTokenExpiration);
  const bool bounded = given && given->count() != 0;
  if (!given || (bounded && (*given < std::chrono::hours(1) || *given > kMost))) {
    throw std::runtime_error(
        fmt::format("--service-account-max-token-expiration {}: must be between 1 hour and 2^32 "
                    "seconds, such as 24h, or 0 for no bound",
                    options.maxTokenExpiration));
  }
  return {std::chrono::duration_cast<std::chrono::seconds>(*given), options.extendTokenExpiration};
}

void completeOptions(ServerOptions& options) {
  tokenLifeOf(options);
  static_cast<void>(forwardConfig(options.dns));
  for (std::string* path : {&options.dataDir, &options.runDir, &options.logDir, &options.kubeconfig, &options.tokenFile,
                            &options.encryptionConfig, &options.registries, &options.limits.auditPolicy,
                            &options.oidc.caFile, &options.dns.hostsFile, &options.dns.tlsCaFile}) {
    if (!path->empty()) *path = std::filesystem::absolute(*path);
  }
  if (auto& log = options.limits.auditLog.path; !log.empty() && log != "-") log = std::filesystem::absolute(log);
  if (options.nodeName.empty()) options.nodeName = ownNodeName();
  if (auto wrong = meta::checkDns1123Subdomain(options.nodeName); !wrong.empty()) {
    throw std::runtime_error(fmt::format("--node-name {}: {}", options.nodeName, wrong.front()));
  }
  options.fixedNodeIp = !options.nodeIp.empty();
  completeFamilies(options);
  completeNodeIps(options);
  if (options.kubeconfig.empty()) options.kubeconfig = options.dataDir + "/admin.kubeconfig";
  checkRanges(options);
  checkLoadBalancerPool(options);
  checkNodeFlags(options);
  kubelet::Registries::read(options.registries);  // a mistake in it is told now, not at the first pull
}

std::string manifestDirectory(const ServerOptions& options) {
  return options.manifests.empty() ? options.dataDir + "/manifests" : options.manifests;
}

std::string sysctlRecord(const ServerOptions& options) { return options.runDir + "/sysctls"; }

std::string renderRunRecord(const ServerOptions& options) {
  return json::renderYaml({{"data-dir", options.dataDir},
                           {"cluster-cidr", options.clusterCidr},
                           {"service-cidr", options.serviceCidr},
                           {"cluster-dns", options.clusterDns},
                           {"cluster-domain", options.clusterDomain},
                           {"write-kubeconfig", options.kubeconfig}});
}

}  // namespace wherry::main
