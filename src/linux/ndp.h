// Neighbour advertisements of IPv6 (RFC 4861 section 7.2.6): the neighbours of a link are told, unasked, who has an
// address now. What arp.h is for IPv4.
#pragma once

#include <set>
#include <string>

#include "base/ip_address.h"
#include "linux/links.h"

namespace wherry::linux {

// The ICMPv6 message (RFC 4861 section 4.4), but for its checksum: the kernel adds that. It overrides what neighbours
// knew. Pure.
std::string renderAdvertisement(base::IpAddress address, const MacAddress& mac, bool fromRouter);

// Sends one for each to everybody on the link. In the calling thread's network namespace. Throws std::system_error when
// there may be no such socket; a link that went away meanwhile is no failure.
void announceByNdp(const Link& link, const std::set<base::IpAddress>& addresses);

}  // namespace wherry::linux
