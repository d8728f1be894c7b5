// Which resolvers the node uses for names outside of the cluster (resolv.conf(5)). Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace wherry::clusterdns {

// The name servers that may be asked: never a loopback stub (it would ask us again), never `own`. At most three.
std::vector<std::string> parseNameservers(std::string_view resolvConf, std::string_view own);

}  // namespace wherry::clusterdns
