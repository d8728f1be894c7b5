// Addresses that the node has for Services, not for itself, so that it answers for them where neighbours ask by ARP:
// <address>/32 on lo under the label "lo:wherry", by which they are found again. Of the calling thread's network
// namespace, idempotent, std::system_error.
#pragma once

#include <set>

#include "linux/ipv4.h"
#include "linux/links.h"

namespace wherry::linux {

// Pure.
bool isServiceAddress(const InterfaceAddress& address);

std::set<Ipv4Address> listServiceAddresses();
void addServiceAddress(Ipv4Address address);
void removeServiceAddress(Ipv4Address address);

}  // namespace wherry::linux
