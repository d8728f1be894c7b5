// Which resolvers the node uses for names outside of the cluster, and in which domains it looks for short names
// (resolv.conf(5)). Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "dns/name.h"

namespace wherry::clusterdns {

// The name servers that may be asked: never a loopback stub (it would ask us again), never `own`. At most three.
std::vector<std::string> parseNameservers(std::string_view resolvConf, std::string_view own);

// The domains of the last `search` line, in lower case.
std::vector<dns::Name> parseSearchDomains(std::string_view resolvConf);

}  // namespace wherry::clusterdns
