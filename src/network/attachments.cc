#include "network/attachments.h"

#include <cerrno>
#include <filesystem>
#include <stdexcept>

#include <unistd.h>

#include "base/fault_point.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/strings.h"
#include "meta/status.h"

namespace wherry::network {
namespace {

const base::Log kLog("network");

// "10.244.0.7 fd00:10:244::7"; none when one of them is no address.
std::vector<base::IpAddress> parseAddresses(std::string_view line) {
  std::vector<base::IpAddress> addresses;
  for (std::string_view text : base::split(base::trim(line), ' ')) {
    auto address = base::IpAddress::parse(text);
    if (!address) return {};
    addresses.push_back(*address);
  }
  return addresses;
}

std::string renderAddresses(const std::vector<base::IpAddress>& addresses) {
  std::vector<std::string> texts;
  for (const base::IpAddress& address : addresses) texts.push_back(address.text());
  return base::join(texts, " ") + "\n";
}

std::optional<base::IpAddress> lastOf(const std::vector<base::IpAddress>& addresses, base::IpFamily family) {
  for (const base::IpAddress& address : addresses) {
    if (address.family() == family) return address;
  }
  return std::nullopt;
}

// The addresses in the first line, then the host ports.
std::optional<PodPorts> readAttachment(const std::string& path) {
  auto content = base::readFileIfExists(path);
  if (!content) return std::nullopt;
  auto lines = base::split(*content, '\n');
  PodPorts pod{parseAddresses(lines[0]), {}};
  if (pod.addresses.empty()) return std::nullopt;
  for (size_t i = 1; i < lines.size(); ++i) {
    if (auto port = parseHostPort(lines[i])) pod.ports.push_back(*port);
  }
  return pod;
}

std::string renderAttachment(const PodPorts& pod) {
  std::string text = renderAddresses(pod.addresses);
  for (const HostPort& port : pod.ports) text += renderHostPort(port) + "\n";
  return text;
}

// Calls f(pool, address) for each address and the pool of its family.
template <typename F>
void forEachPool(std::vector<AddressPool>& pools, const std::vector<base::IpAddress>& addresses, F f) {
  for (AddressPool& pool : pools) {
    for (const base::IpAddress& address : addresses) {
      if (address.family() == pool.family()) f(pool, address);
    }
  }
}

// Temporary files of an interrupted write have a dot in their names; sandbox ids don't.
bool isSandboxId(const std::string& name) { return !name.empty() && name.find_first_of("/.") == std::string::npos; }

}  // namespace

Attachments::Attachments(const std::vector<base::IpPrefix>& podCidrs, const std::string& dataDir)
    : directory_(dataDir + "/addresses"), lastFile_(dataDir + "/last-address"), table_(read(podCidrs)) {}

Attachments::Table Attachments::read(const std::vector<base::IpPrefix>& podCidrs) const {
  base::makeDirectories(directory_, 0700);
  Table table;
  auto last = parseAddresses(base::readFileIfExists(lastFile_).value_or(""));
  for (const base::IpPrefix& cidr : podCidrs) table.pools.emplace_back(cidr, lastOf(last, cidr.family()));
  for (const auto& entry : std::filesystem::directory_iterator(directory_)) {
    std::string name = entry.path().filename();
    if (!isSandboxId(name)) {
      std::filesystem::remove(entry.path());
      continue;
    }
    auto pod = readAttachment(entry.path());
    if (!pod) {
      kLog.warn("{} holds no address; it is ignored", entry.path().string());
      continue;
    }
    forEachPool(table.pools, pod->addresses, [](AddressPool& pool, const auto& address) { pool.take(address); });
    table.bySandbox.emplace(name, *pod);
  }
  return table;
}

std::string Attachments::path(const std::string& sandboxId) const { return directory_ + "/" + sandboxId; }

// None where a family has none left.
std::vector<base::IpAddress> Attachments::reserve(const std::string& sandboxId) {
  return table_.with([&](Table& table) {
    std::vector<base::IpAddress> addresses;
    for (AddressPool& pool : table.pools) {
      if (auto address = pool.takeNext()) addresses.push_back(*address);
    }
    if (addresses.size() == table.pools.size()) {
      table.bySandbox[sandboxId] = {addresses, {}};
      return addresses;
    }
    forEachPool(table.pools, addresses, [](AddressPool& pool, const auto& address) { pool.release(address); });
    return std::vector<base::IpAddress>();
  });
}

void Attachments::write(const std::string& sandboxId, const PodPorts& pod) {
  base::writeFileAtomic(path(sandboxId), renderAttachment(pod), 0600, base::Durability::kSynced);
  table_.with([&](Table& table) { table.bySandbox[sandboxId] = pod; });
}

std::vector<base::IpAddress> Attachments::allocate(const std::string& sandboxId, const std::vector<HostPort>& ports) {
  if (!isSandboxId(sandboxId)) throw std::invalid_argument("not a sandbox id: \"" + sandboxId + "\"");
  if (auto known = findPorts(sandboxId)) {
    if (known->ports != ports) write(sandboxId, {known->addresses, ports});
    return known->addresses;
  }
  auto addresses = reserve(sandboxId);
  if (addresses.empty()) throw meta::serviceUnavailable("no pod address is free on this node");
  try {
    write(sandboxId, {addresses, ports});
    base::faultPoint("address-recorded");
    // Not synced: losing it costs only the order in which addresses come again.
    base::writeFileAtomic(lastFile_, renderAddresses(addresses), 0600);
  } catch (...) {
    release(sandboxId);
    throw;
  }
  return addresses;
}

void Attachments::release(const std::string& sandboxId) {
  auto addresses = find(sandboxId);
  if (addresses.empty()) return;
  if (::unlink(path(sandboxId).c_str()) != 0 && errno != ENOENT) base::throwErrno("remove " + path(sandboxId));
  table_.with([&](Table& table) {
    table.bySandbox.erase(sandboxId);
    forEachPool(table.pools, addresses, [](AddressPool& pool, const auto& address) { pool.release(address); });
  });
}

std::optional<PodPorts> Attachments::findPorts(const std::string& sandboxId) const {
  return table_.with([&](const Table& table) -> std::optional<PodPorts> {
    auto found = table.bySandbox.find(sandboxId);
    if (found == table.bySandbox.end()) return std::nullopt;
    return found->second;
  });
}

std::vector<base::IpAddress> Attachments::find(const std::string& sandboxId) const {
  auto pod = findPorts(sandboxId);
  return pod ? pod->addresses : std::vector<base::IpAddress>();
}

PodPortsBySandbox Attachments::all() const {
  return table_.with([](const Table& table) { return table.bySandbox; });
}

}  // namespace wherry::network
