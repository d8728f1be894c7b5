// ReturnPath: the way back to a program of this node for what answers connections that it makes under its clients'
// addresses (IP_TRANSPARENT, ip(7)), as the front door does where pods shall see who their clients are. By the tables
// `ip wherry_clients` and `ip6 wherry_clients` and by linux/local_delivery.h:
//
//   output       marks a connection by TCP that the node begins under an address that it has not. From then on
//   connection
//                tracking knows it.
//   answers_*    what answers such a connection gets the mark as a packet, and so is delivered here. Of the node itself
//                that is what refuses it.
//   postrouting  what is not for a pod of this node would be answered past the node: it gets the node's address.
//
// Safe from any thread; acts in the network namespace of the thread that calls open(), which is to be that of the node.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/ip_address.h"
#include "linux/nft/ruleset.h"

namespace wherry::network {

inline constexpr const char* kReturnPathTable = "wherry_clients";

// The table as a model. `ownPods`: this node's, whose answers pass it. Pure.
linux::nft::Table returnPathTable(const base::IpPrefix& ownPods);

class ReturnPath {
 public:
  // `podCidr`: as PodNetworkOptions has it. Throws std::invalid_argument.
  explicit ReturnPath(const std::string& podCidr);
  ~ReturnPath();  // what is open stays: pods and the front door outlive the process
  ReturnPath(const ReturnPath&) = delete;
  ReturnPath& operator=(const ReturnPath&) = delete;

  // What is open is written anew when somebody removes of it. Both throw std::system_error or BatchError, and are
  // idempotent.
  void open();
  void close();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Of both families, if it is there. Throws std::system_error.
void removeReturnPath();

}  // namespace wherry::network
