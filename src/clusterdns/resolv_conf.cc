#include "clusterdns/resolv_conf.h"

#include <algorithm>

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

std::vector<dns::Name> parseSearchDomains(std::string_view resolvConf) {
  constexpr size_t kMaxDomains = 32;  // as the kubelet takes them
  std::vector<dns::Name> domains;
  for (std::string_view line : base::split(resolvConf, '\n')) {
    line = base::trim(line);
    if (!line.starts_with("search ") && !line.starts_with("search\t")) continue;
    domains.clear();
    for (std::string_view rest = base::trim(line.substr(6)); !rest.empty() && domains.size() < kMaxDomains;) {
      size_t end = std::min(rest.find_first_of(" \t"), rest.size());
      auto domain = dns::Name::parse(rest.substr(0, end));
      if (domain && !domain->labels().empty()) domains.push_back(domain->lower());
      rest = base::trim(rest.substr(end));
    }
  }
  return domains;
}

}  // namespace wherry::clusterdns
