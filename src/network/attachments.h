// Attachments: which sandbox has which addresses and host ports, in memory and on disk alike. One file per sandbox,
// named by its id and holding its addresses and a line for each host port, synced before they are used. Safe from any
// thread; a sandbox is worked on by one thread at a time.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/guarded.h"
#include "base/ip_address.h"
#include "network/address_pool.h"
#include "network/host_ports.h"

namespace wherry::network {

class Attachments {
 public:
  // One range of each family in which pods have addresses. Reads what is there. Throws std::system_error.
  Attachments(const std::vector<base::IpPrefix>& podCidrs, const std::string& dataDir);

  // The sandbox's addresses in the order of the ranges, new ones when it has none, with these host ports in place of
  // those it had; on disk when this returns. Throws StatusError (ServiceUnavailable) when all are taken,
  // std::system_error from the disk, std::invalid_argument for an id that is no file name.
  std::vector<base::IpAddress> allocate(const std::string& sandboxId, const std::vector<HostPort>& ports = {});
  // Forgets the sandbox, on disk first.
  void release(const std::string& sandboxId);

  std::vector<base::IpAddress> find(const std::string& sandboxId) const;  // none: it is not attached
  PodPortsBySandbox all() const;

 private:
  struct Table {
    std::vector<AddressPool> pools;
    PodPortsBySandbox bySandbox;
  };
  Table read(const std::vector<base::IpPrefix>& podCidrs) const;
  std::string path(const std::string& sandboxId) const;
  std::optional<PodPorts> findPorts(const std::string& sandboxId) const;
  std::vector<base::IpAddress> reserve(const std::string& sandboxId);
  void write(const std::string& sandboxId, const PodPorts& pod);

  std::string directory_;
  std::string lastFile_;
  base::Guarded<Table> table_;
};

}  // namespace wherry::network
