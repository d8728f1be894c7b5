// The link of one pod sandbox: a veth pair, its addresses, routes and neighbours, in the kernel. Stateless; safe from
// any thread. Failures are std::system_error.
#pragma once

#include <string>
#include <vector>

#include "base/ip_address.h"
#include "linux/links.h"

namespace wherry::network {

// What every pod has as its gateway. It is on no link of the node: the permanent neighbour entry alone leads there.
base::IpAddress gateway(base::IpFamily family);  // 169.254.1.1, fe80::1

inline constexpr std::string_view kHostInterfacePrefix = "wh";

struct PodLink {
  std::string hostInterface;  // "wh" and twelve hex digits of the sandbox id's hash
  linux::MacAddress hostMac;
  linux::MacAddress podMac;
  std::vector<base::IpAddress> addresses;
};

// Pure: the same for the same sandbox, always.
PodLink describePodLink(const std::string& sandboxId, std::vector<base::IpAddress> addresses);

// Makes what is missing of it. A link that leads elsewhere (to a namespace that is no longer this one) is made anew.
void applyPodLink(const PodLink& link, const std::string& netnsPath);

// The other end and the routes go with it.
void removePodLink(const std::string& hostInterface);
// Those of all pods, by their names alone.
void removeAllPodLinks();

}  // namespace wherry::network
