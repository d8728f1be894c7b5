// What a domain name means in a cluster (DNS specification for Kubernetes 1.1.0), and which names a pod's resolver
// tries for a short one. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace wherry::cli {

struct ClusterName {
  enum class Kind {
    kOutside,    // not below the cluster's domain
    kReverse,    // in-addr.arpa, ip6.arpa
    kDomain,     // the domain itself, or what is neither svc nor pod below it
    kNamespace,  // default.svc.cluster.local, or svc.cluster.local itself
    kService,    // web.default.svc.cluster.local, and what is below it
    kPod,        // 10-244-0-7.default.pod.cluster.local
  };
  Kind kind = Kind::kOutside;
  std::string ns;                       // "" of svc.cluster.local
  std::string service;                  // of kPod the label in front
  std::vector<std::string> below = {};  // labels in front of the Service: {"_http", "_tcp"}, {"web-0"}
};
// `name` may end with a dot.
ClusterName parseClusterName(std::string_view name, std::string_view domain);

// As resolv.conf(5) of a pod in `ns` has it, with ndots:5; each with the last dot. A name that ends with a dot is tried
// as it is.
std::vector<std::string> searchNames(std::string_view name, std::string_view ns, std::string_view domain);

// "4.3.2.1.in-addr.arpa." of an address's text; "" for what is none.
std::string reverseNameOf(std::string_view address);

}  // namespace wherry::cli
