#include "clusterdns/hosts_table.h"

#include <algorithm>

#include "base/ip.h"

namespace wherry::clusterdns {
namespace {

// Columns of a line, separated by spaces and tabs.
std::vector<std::string_view> columns(std::string_view line) {
  std::vector<std::string_view> out;
  while (true) {
    size_t from = line.find_first_not_of(" \t\r");
    if (from == std::string_view::npos) return out;
    size_t to = std::min(line.find_first_of(" \t\r", from), line.size());
    out.push_back(line.substr(from, to - from));
    line.remove_prefix(to);
  }
}

void addOnce(std::vector<std::string>& list, std::string value) {
  if (std::find(list.begin(), list.end(), value) == list.end()) list.push_back(std::move(value));
}

}  // namespace

bool HostsTable::add(std::string_view name, std::string_view address) {
  auto owner = dns::Name::parse(name);
  auto bytes = base::parseIp(address);
  if (!owner || !bytes || owner->labels().empty()) return false;
  addOnce(entryOf(*owner).addresses, *bytes);
  addOnce(entryOf(dns::reverseName(*bytes)).names, owner->lower().wire());
  return true;
}

HostsTable::Parsed HostsTable::addText(std::string_view text) {
  Parsed parsed;
  for (std::string_view line : base::split(text, '\n')) {
    auto words = columns(line.substr(0, line.find('#')));
    if (words.empty()) continue;
    bool right = words.size() > 1;
    for (size_t i = 1; i < words.size(); ++i) {
      bool added = add(words[i], words[0]);
      parsed.entries += added;
      right &= added;
    }
    parsed.wrongLines += !right;
  }
  return parsed;
}

void HostsTable::write(std::string_view lowerName, dns::Owner owner, dns::Type type, uint32_t ttl,
                       dns::ResponseWriter& writer) const {
  auto at = names_.find(lowerName);
  if (at == names_.end()) return;
  for (const std::string& address : at->second.addresses) {
    bool v4 = address.size() == 4;
    if (type == (v4 ? dns::Type::kA : dns::Type::kAaaa)) writer.addAddress(dns::Section::kAnswer, owner, ttl, address);
  }
  for (const std::string& name : at->second.names) {
    if (type == dns::Type::kPtr) writer.addRecord(dns::Section::kAnswer, owner, type, ttl, name);
  }
}

std::optional<std::pair<std::string, std::string>> parseHostFlag(std::string_view text) {
  auto parts = base::splitOnce(text, '=');
  if (!parts || !HostsTable().add(base::trim(parts->first), base::trim(parts->second))) return std::nullopt;
  return std::pair(std::string(base::trim(parts->first)), std::string(base::trim(parts->second)));
}

}  // namespace wherry::clusterdns
