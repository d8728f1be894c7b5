// AddressWatch: tells when the node's addresses have changed (DHCP gave another one, a cable moved), by the kernel's
// notifications. Nothing polls; changes that come in a row are told once, when they are over.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <thread>

#include "base/fd.h"
#include "linux/node_addresses.h"

namespace wherry::main {

// The address that stands for the node now that it has these; nothing while `current` is still one of them, or when
// there is no other. Pure.
std::optional<std::string> decideNodeIp(const std::string& current, const linux::NodeAddresses& addresses);

class AddressWatch {
 public:
  // Calls `changed` on a thread of its own. Throws std::system_error.
  explicit AddressWatch(std::function<void(const linux::NodeAddresses&)> changed);
  ~AddressWatch();  // stops
  AddressWatch(const AddressWatch&) = delete;
  AddressWatch& operator=(const AddressWatch&) = delete;

 private:
  base::Pipe wake_;
  std::jthread thread_;
};

}  // namespace wherry::main
