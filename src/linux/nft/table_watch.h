// TableWatch: tells when a table of ours is gone, because somebody flushed the ruleset (a firewall's reload does), or
// when another program took something out of it or put a rule in. It listens to the kernel's notifications; nothing
// polls. Of the network namespace of the thread that makes it.
#pragma once

#include <functional>
#include <string>
#include <thread>

#include "base/fd.h"
#include "linux/nft/ruleset.h"

namespace wherry::linux::nft {

class TableWatch {
 public:
  // Calls `gone` on a thread of its own whenever the table was removed and is not there, or was changed so
  // by another program. A table that is replaced in one transaction is there. Throws std::system_error.
  TableWatch(std::string table, std::function<void()> gone, IpFamily family = IpFamily::kIPv4);
  ~TableWatch();
  TableWatch(const TableWatch&) = delete;
  TableWatch& operator=(const TableWatch&) = delete;

 private:
  base::Pipe wake_;
  std::jthread thread_;
};

}  // namespace wherry::linux::nft
