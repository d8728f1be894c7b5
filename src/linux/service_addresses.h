// Addresses that the node has for Services, not for itself, so that it answers for them where neighbours ask by ARP:
// <address>/32 on lo under the label "lo:wherry", by which they are found again. Of the calling thread's network
// namespace, idempotent, std::system_error.
#pragma once

#include <set>

#include "base/ip_address.h"
#include "linux/links.h"

namespace wherry::linux {

// Pure.
bool isServiceAddress(const InterfaceAddress& address);

std::set<base::IpAddress> listServiceAddresses();
void addServiceAddress(base::IpAddress address);
void removeServiceAddress(base::IpAddress address);

}  // namespace wherry::linux
