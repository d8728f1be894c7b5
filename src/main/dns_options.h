// The flags of `wherry server` about the cluster DNS. Plain values.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <CLI/App.hpp>

#include "clusterdns/forward_config.h"
#include "clusterdns/reply_cache.h"
#include "clusterdns/service_limits.h"

namespace wherry::main {

struct DnsOptions {
  uint32_t ttl = 5;          // seconds, of a Service's own addresses and names
  uint32_t headlessTtl = 1;  // of what changes with every pod
  // Answers over UDP a second to an address outside of the cluster; 0: no limit.
  uint32_t answersPerSecond = 1000;
  bool resolveOnHost = false;           // the node's own programs find the cluster's names too, host_resolver.h
  std::vector<std::string> transferTo;  // prefixes of those who may have the whole zone
  // Names outside of the cluster: who is asked for them, as upstream.h writes it, and what is known without asking.
  std::vector<std::string> upstreams;    // none: the node's resolvers
  std::vector<std::string> stubDomains;  // DOMAIN=UPSTREAM,UPSTREAM
  std::vector<std::string> hosts;        // NAME=ADDRESS
  std::string hostsFile, tlsCaFile;
  uint32_t cacheMebibytes = 8;
  uint32_t cacheTtl = 3600, cacheNegativeTtl = 1800;  // seconds at most
  uint32_t serveStale = 24 * 3600;                    // seconds after the end; 0: never
  bool searches = false;                              // goes through pods' search paths on their behalf
};

void declareDnsFlags(CLI::App& parser, DnsOptions& options);

// Throws std::runtime_error with the flag that is wrong.
clusterdns::ForwardConfig forwardConfig(const DnsOptions& options);
clusterdns::CacheLimits cacheLimits(const DnsOptions& options);

// `trusted`: prefixes of the pods and addresses of the node. Throws std::runtime_error with the flag that is wrong.
clusterdns::ServiceLimits serviceLimits(const DnsOptions& options, std::vector<std::string> trusted);

}  // namespace wherry::main
