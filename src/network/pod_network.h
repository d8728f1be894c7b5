// PodNetwork: gives each pod sandbox an address and a link, and takes them back.
//
// A pod's link is a routed veth, no bridge: inside `eth0` with the pod's address as /32 and a default route over the
// fixed link-local gateway 169.254.1.1; on the node "wh" and twelve hex digits, with the host route <address>/32. Where
// the ranges are of both families or of IPv6, the same with a /128 and the gateway fe80::1. Both sides know each
// other's MAC address, so nobody asks by ARP or neighbour discovery, and no address waits for duplicate detection.
// Traffic to anywhere but pods and the node is masqueraded by the tables `wherry_network`, host ports lead to pods by
// the tables `wherry_hostports` (host_ports.h), one for each family; no other table is touched.
//
// What is attached is what is on disk: one synced file per sandbox under dataDir. An address belongs to one sandbox
// until detach() has returned, also over a crash at any point, and is handed out again as late as the CIDR allows.
//
// Safe from any thread. Calls block for a few milliseconds (four attach at a time; the kernel's link lock gives no
// more). Errors: std::system_error from the kernel or the disk, meta::StatusError (ServiceUnavailable) when no address
// is free, or another sandbox has a host port that is asked for.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "network/host_ports.h"

namespace wherry::network {

struct PodNetworkOptions {
  // Each a range, or two of different families separated by a comma; all in the same families.
  std::string podCidr;       // "10.244.0.0/24": this node's pods get their addresses from it
  std::string clusterCidr;   // "10.244.0.0/16": traffic to it keeps the pod's source address
  std::string serviceCidr;   // "10.96.0.0/12": no host port takes what goes there; "" when there are no Services
  std::string dataDir;       // holds one file per attached sandbox; made when missing
  std::string sysctlRecord;  // the file in which start() notes what it changed, for removeAll(); on a tmpfs
};

struct PodAddress {
  std::string ip;             // "10.244.0.7", or two in the order of the ranges: "10.244.0.7,fd00:10:244::7"
  std::string hostInterface;  // "wh0123456789ab"
};

struct Attachment {
  std::string sandboxId;
  PodAddress address;
};

class PodNetwork {
 public:
  // Reads what is attached; touches nothing but dataDir yet. Throws std::invalid_argument for a CIDR that isn't one.
  explicit PodNetwork(PodNetworkOptions options);
  ~PodNetwork();  // leaves everything in place: pods outlive the process
  PodNetwork(const PodNetwork&) = delete;
  PodNetwork& operator=(const PodNetwork&) = delete;

  // Makes the node forward (ip_forward), loads the masquerade table and opens the host ports of what is attached. To be
  // called once, before the first attach().
  void start();

  // Links the network namespace at `netnsPath`, opens its host ports and returns the sandbox's addresses. Idempotent:
  // after a failure, a crash or a success it may be called again and completes what is missing. `sandboxId` is any file
  // name.
  PodAddress attach(const std::string& sandboxId, const std::string& netnsPath,
                    const std::vector<HostPort>& hostPorts = {});

  // Closes host ports, removes link, route, the address' conntrack entries and then the file. Fine for a half-made or
  // unknown sandbox, and when the namespace is gone.
  void detach(const std::string& sandboxId);

  std::optional<PodAddress> findAddress(const std::string& sandboxId) const;
  std::vector<Attachment> list() const;

  // Removes what start() and attach() made (`wherry reset`): attached sandboxes, links that no file tells of,
  // connection tracking entries of pods and Services, tables; forwarding is as it was.
  void removeAll();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace wherry::network
