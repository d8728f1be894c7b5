// The host ports of pods: the tables `ip wherry_hostports` and `ip6 wherry_hostports`, which turn what is sent to a
// port of the node to a pod. Whoever reaches the node reaches the pod: the world, other pods, the node itself, also by
// 127.0.0.1.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/ip_address.h"
#include "linux/nft/ruleset.h"

namespace wherry::network {

inline constexpr const char* kHostPortTable = "wherry_hostports";

struct HostPort {
  base::IpAddress hostIp;  // 0.0.0.0: every address of the node, of both families; ::, those of IPv6
  uint8_t protocol = 0;    // IPPROTO_TCP, IPPROTO_UDP or IPPROTO_SCTP
  uint16_t hostPort = 0;
  uint16_t containerPort = 0;
  auto operator<=>(const HostPort&) const = default;
};

// One line of an attachment's file: "tcp 0.0.0.0:8080 80", "udp [fd00::1]:53 53". Nothing for a line that is none.
std::string renderHostPort(const HostPort& port);
std::optional<HostPort> parseHostPort(std::string_view line);

// A sandbox' addresses, one of each family that it has, and its ports in the order that they were asked for.
struct PodPorts {
  std::vector<base::IpAddress> addresses;
  std::vector<HostPort> ports;

  const base::IpAddress* find(base::IpFamily family) const;  // null: it has none of that family
  bool operator==(const PodPorts&) const = default;
};
using PodPortsBySandbox = std::map<std::string, PodPorts>;

// The sandbox that has one of these ports already, by the scheduler's rule: same protocol and number, and the same
// address or one of them every address. Pure.
std::optional<std::string> findPortConflict(const PodPortsBySandbox& open, const std::string& sandboxId,
                                            const std::vector<HostPort>& ports);

// The family's table as a model. What goes to `clusterIps` is never taken: an address of the node (cluster DNS) may be
// one. Pure.
linux::nft::Table hostPortTable(const PodPortsBySandbox& open, std::optional<base::IpPrefix> clusterIps,
                                base::IpFamily family = base::IpFamily::kIPv4);

// A family's table in the kernel, of the calling thread's network namespace. Not thread-safe. Failures are
// std::system_error or BatchError.
class HostPortTable {
 public:
  explicit HostPortTable(std::optional<base::IpPrefix> clusterIps, base::IpFamily family = base::IpFamily::kIPv4);

  base::IpFamily family() const { return family_; }

  // Puts the whole table in place, with these ports.
  void replace(PodPortsBySandbox open);
  // Changes one sandbox, in one small transaction; the same again costs nothing. REQUIRES: no conflict, replace() was
  // called. UDP flows that reached the node's own port so far are led to the pod from now on.
  void open(const std::string& sandboxId, const PodPorts& pod);
  void close(const std::string& sandboxId);

  const PodPortsBySandbox& all() const { return open_; }

 private:
  void change(const std::string& sandboxId, const PodPorts* pod);

  std::optional<base::IpPrefix> clusterIps_;
  base::IpFamily family_;
  PodPortsBySandbox open_;
};

void removeHostPortTables();

}  // namespace wherry::network
