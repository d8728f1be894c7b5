// The flags of `wherry server`. Plain values.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include <CLI/App.hpp>

#include "apiserver/service_account_tokens.h"
#include "kubelet/eviction/thresholds.h"
#include "kubelet/shutdown/shutdown_periods.h"
#include "main/dns_options.h"
#include "main/ingress_options.h"
#include "main/limit_options.h"
#include "main/oidc_options.h"

namespace wherry::main {

struct ServerOptions {
  std::string dataDir = "/var/lib/wherry";
  std::string runDir = "/run/wherry";
  std::string logDir = "/var/log";  // the pods' logs, where collectors look for them: pods/ and containers/ in it
  std::string bindAddress = "0.0.0.0";
  uint16_t port = 6443;
  std::string nodeName;  // empty: the host's name
  std::string nodeIp;    // of the first family; empty: the address of the default route, also when it changes
  std::string nodeIps;   // of each family of the cluster, separated by a comma; completeOptions() fills it in
  std::string clusterCidr = "10.244.0.0/16";
  std::string serviceCidr = "10.96.0.0/12";
  std::string loadBalancerPool;  // addresses for Services of type LoadBalancer; empty: the nodes' own
  std::string clusterDomain = "cluster.local";
  std::string clusterDns = "10.96.0.10";
  int maxPods = 110;              // on this node; upstream's default
  int64_t podPidsLimit = 16'384;  // processes and threads
  std::string datastore = "sqlite";
  std::string only;                      // "api", or empty for everything
  std::vector<std::string> disabled;     // "proxy", "dns", ...
  std::string kubeconfig;                // empty: dataDir/admin.kubeconfig
  std::string tokenFile;                 // static tokens, token_file.h; empty: none
  std::string maxTokenExpiration = "0";  // of ServiceAccounts' tokens, as Go writes it; 0: no bound
  bool extendTokenExpiration = true;
  std::string encryptionConfig;  // an EncryptionConfiguration; empty: nothing is encrypted
  std::string manifests;         // a directory whose files are applied; empty: in dataDir
  std::string podManifestPath;   // a directory of static pods; empty: none
  kubelet::EvictionFlags eviction;
  std::string shutdownGracePeriod = "30s";                 // as Go writes durations
  std::string shutdownGracePeriodCriticalPods = "10s";     // of the above
  std::string registries = "/etc/wherry/registries.yaml";  // registries.h of kubelet/images; may be missing
  std::string logLevel = "info";
  DnsOptions dns;
  IngressOptions ingress;
  LimitOptions limits;
  OidcFlags oidc;
  bool fixedNodeIp = false;  // nodeIp was given, not found

  bool onlyApi() const { return only == "api"; }
  bool enabled(const std::string& component) const;
};

// The host's name, as a node's: what --node-name is when it is not given.
std::string ownNodeName();

// The components that --disable takes.
const std::set<std::string>& components();

void declareServerFlags(CLI::App& parser, ServerOptions& options);

// Fills in what depends on the machine (node name and address, kubeconfig) and checks the rest. Throws
// std::runtime_error with what is wrong and what to do.
void completeOptions(ServerOptions& options);

// How long pods have to end when the machine goes down. Throws std::runtime_error that names the flag that is wrong.
kubelet::ShutdownPeriods shutdownPeriodsOf(const ServerOptions& options);

// How long ServiceAccounts' tokens live. Throws std::runtime_error that names the flag that is wrong.
apiserver::TokenLife tokenLifeOf(const ServerOptions& options);

// Whose files are applied.
std::string manifestDirectory(const ServerOptions& options);

// Where the node's network notes what it changed of the machine's settings, and `wherry reset` finds it.
std::string sysctlRecord(const ServerOptions& options);

// What other commands need to know of a server, as a configuration file: RUN-DIR/server.yaml (cli/config_file.h). Pure.
std::string renderRunRecord(const ServerOptions& options);

}  // namespace wherry::main
