// Attachments: which sandbox has which address, in memory and on disk alike. One file per sandbox, named by its id and
// holding its address, synced before the address is used. Safe from any thread; a sandbox is worked on by one thread at
// a time.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "base/guarded.h"
#include "linux/ipv4.h"
#include "network/address_pool.h"

namespace wherry::network {

class Attachments {
 public:
  // Reads what is there. Throws std::system_error.
  Attachments(linux::Ipv4Prefix podCidr, const std::string& dataDir);

  // The sandbox's address, a new one when it has none; on disk when this returns. Throws StatusError
  // (ServiceUnavailable) when all are taken, std::system_error from the disk, std::invalid_argument for an id that is
  // no file name.
  linux::Ipv4Address allocate(const std::string& sandboxId);
  // Forgets the sandbox, on disk first.
  void release(const std::string& sandboxId);

  std::optional<linux::Ipv4Address> find(const std::string& sandboxId) const;
  std::map<std::string, linux::Ipv4Address> all() const;

 private:
  struct Table {
    AddressPool pool;
    std::map<std::string, linux::Ipv4Address> bySandbox;
  };
  Table read(linux::Ipv4Prefix podCidr) const;
  std::string path(const std::string& sandboxId) const;
  std::optional<linux::Ipv4Address> reserve(const std::string& sandboxId);

  std::string directory_;
  std::string lastFile_;
  base::Guarded<Table> table_;
};

}  // namespace wherry::network
