#include "clusterdns/resolv_conf.h"

#include "base/strings.h"
#include "dns/record.h"

namespace wherry::clusterdns {
namespace {

constexpr size_t kMaxNameservers = 3;  // MAXNS of resolver(3)

bool isLoopback(const std::string& address) {
  if (address.size() == 4) return address[0] == 127;
  return address == std::string(15, '\0') + '\1';
}

}  // namespace

std::vector<std::string> parseNameservers(std::string_view resolvConf, std::string_view own) {
  std::vector<std::string> servers;
  for (std::string_view line : base::split(resolvConf, '\n')) {
    line = base::trim(line);
    if (!line.starts_with("nameserver")) continue;
    std::string_view text = base::trim(line.substr(std::string_view("nameserver").size()));
    auto address = dns::parseAddress(text);
    if (!address || isLoopback(*address) || text == own) continue;
    if (servers.size() < kMaxNameservers) servers.emplace_back(text);
  }
  return servers;
}

}  // namespace wherry::clusterdns
