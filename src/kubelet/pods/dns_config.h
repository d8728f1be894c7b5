// A pod's /etc/resolv.conf and /etc/hosts. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "views/core_v1.h"

namespace wherry::kubelet {

// resolv.conf(5), as far as pods need it.
struct ResolvConf {
  std::vector<std::string> nameservers;
  std::vector<std::string> searches;
  std::vector<std::string> options;  // "ndots:5"
};

ResolvConf parseResolvConf(std::string_view text);
std::string renderResolvConf(const ResolvConf& conf);

struct ClusterDns {
  std::string address;  // "10.96.0.10"
  std::string domain;   // "cluster.local"
};

// What dnsPolicy and dnsConfig make of the node's own resolver. At most 3 name servers and 32 search domains, as
// Kubernetes.
ResolvConf podResolvConf(const core_v1::Pod& pod, const ClusterDns& cluster, const ResolvConf& node);

// The name that a pod sees as its own: spec.hostname, else its name, cut to 63 characters (with the domain under
// setHostnameAsFQDN).
std::string podHostname(const core_v1::Pod& pod, std::string_view clusterDomain);

// /etc/hosts; `nodeHosts` is the node's own file, which a pod on the host network sees.
std::string renderHosts(const core_v1::Pod& pod, std::string_view podIp, std::string_view clusterDomain,
                        std::string_view nodeHosts);

}  // namespace wherry::kubelet
