// ARP announcements (RFC 5227 section 3): the neighbours of a link are told, unasked, who has an address now, so that
// those who knew another owner of it forget that one.
#pragma once

#include <cstdint>
#include <set>
#include <string>

#include "base/ip_address.h"
#include "linux/links.h"

namespace wherry::linux {

// The packet behind the Ethernet header, about an address of IPv4. Some neighbours heed only questions, some only
// answers. Pure.
enum class ArpOperation : uint16_t { kRequest = 1, kReply = 2 };
std::string renderAnnouncement(ArpOperation operation, base::IpAddress address, const MacAddress& mac);

// Sends both to everybody on the link. In the calling thread's network namespace. Throws std::system_error when there
// may be no such socket; a link that went away meanwhile is no failure.
void announceByArp(const Link& link, const std::set<base::IpAddress>& addresses);

}  // namespace wherry::linux
