// Attachments: which sandbox has which address and host ports, in memory and on disk alike. One file per sandbox, named
// by its id and holding its address and a line for each host port, synced before they are used. Safe from any thread; a
// sandbox is worked on by one thread at a time.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "base/guarded.h"
#include "linux/ipv4.h"
#include "network/address_pool.h"
#include "network/host_ports.h"

namespace wherry::network {

class Attachments {
 public:
  // Reads what is there. Throws std::system_error.
  Attachments(linux::Ipv4Prefix podCidr, const std::string& dataDir);

  // The sandbox's address, a new one when it has none, with these host ports in place of those it had; on disk when
  // this returns. Throws StatusError (ServiceUnavailable) when all are taken, std::system_error from the disk,
  // std::invalid_argument for an id that is no file name.
  linux::Ipv4Address allocate(const std::string& sandboxId, const std::vector<HostPort>& ports = {});
  // Forgets the sandbox, on disk first.
  void release(const std::string& sandboxId);

  std::optional<linux::Ipv4Address> find(const std::string& sandboxId) const;
  PodPortsBySandbox all() const;

 private:
  struct Table {
    AddressPool pool;
    PodPortsBySandbox bySandbox;
  };
  Table read(linux::Ipv4Prefix podCidr) const;
  std::string path(const std::string& sandboxId) const;
  std::optional<PodPorts> findPorts(const std::string& sandboxId) const;
  std::optional<linux::Ipv4Address> reserve(const std::string& sandboxId);
  void write(const std::string& sandboxId, const PodPorts& pod);

  std::string directory_;
  std::string lastFile_;
  base::Guarded<Table> table_;
};

}  // namespace wherry::network
