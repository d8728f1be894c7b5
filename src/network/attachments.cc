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

std::optional<linux::Ipv4Address> readAddress(const std::string& path) {
  auto content = base::readFileIfExists(path);
  return content ? linux::Ipv4Address::parse(base::trim(*content)) : std::nullopt;
}

// The address in the first line, then the host ports.
std::optional<PodPorts> readAttachment(const std::string& path) {
  auto content = base::readFileIfExists(path);
  if (!content) return std::nullopt;
  auto lines = base::split(*content, '\n');
  auto address = linux::Ipv4Address::parse(base::trim(lines[0]));
  if (!address) return std::nullopt;
  PodPorts pod{*address, {}};
  for (size_t i = 1; i < lines.size(); ++i) {
    if (auto port = parseHostPort(lines[i])) pod.ports.push_back(*port);
  }
  return pod;
}

std::string renderAttachment(const PodPorts& pod) {
  std::string text = pod.address.text() + "\n";
  for (const HostPort& port : pod.ports) text += renderHostPort(port) + "\n";
  return text;
}

// Temporary files of an interrupted write have a dot in their names; sandbox ids don't.
bool isSandboxId(const std::string& name) { return !name.empty() && name.find_first_of("/.") == std::string::npos; }

}  // namespace

Attachments::Attachments(linux::Ipv4Prefix podCidr, const std::string& dataDir)
    : directory_(dataDir + "/addresses"), lastFile_(dataDir + "/last-address"), table_(read(podCidr)) {}

Attachments::Table Attachments::read(linux::Ipv4Prefix podCidr) const {
  base::makeDirectories(directory_, 0700);
  Table table{AddressPool(podCidr, readAddress(lastFile_)), {}};
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
    table.pool.take(pod->address);
    table.bySandbox.emplace(name, *pod);
  }
  return table;
}

std::string Attachments::path(const std::string& sandboxId) const { return directory_ + "/" + sandboxId; }

std::optional<linux::Ipv4Address> Attachments::reserve(const std::string& sandboxId) {
  return table_.with([&](Table& table) -> std::optional<linux::Ipv4Address> {
    auto address = table.pool.takeNext();
    if (address) table.bySandbox[sandboxId] = {*address, {}};
    return address;
  });
}

void Attachments::write(const std::string& sandboxId, const PodPorts& pod) {
  base::writeFileAtomic(path(sandboxId), renderAttachment(pod), 0600, base::Durability::kSynced);
  table_.with([&](Table& table) { table.bySandbox[sandboxId] = pod; });
}

linux::Ipv4Address Attachments::allocate(const std::string& sandboxId, const std::vector<HostPort>& ports) {
  if (!isSandboxId(sandboxId)) throw std::invalid_argument("not a sandbox id: \"" + sandboxId + "\"");
  if (auto known = findPorts(sandboxId)) {
    if (known->ports != ports) write(sandboxId, {known->address, ports});
    return known->address;
  }
  auto address = reserve(sandboxId);
  if (!address) throw meta::serviceUnavailable("no pod address is free on this node");
  try {
    write(sandboxId, {*address, ports});
    base::faultPoint("address-recorded");
    // Not synced: losing it costs only the order in which addresses come again.
    base::writeFileAtomic(lastFile_, address->text() + "\n", 0600);
  } catch (...) {
    release(sandboxId);
    throw;
  }
  return *address;
}

void Attachments::release(const std::string& sandboxId) {
  auto address = find(sandboxId);
  if (!address) return;
  if (::unlink(path(sandboxId).c_str()) != 0 && errno != ENOENT) base::throwErrno("remove " + path(sandboxId));
  table_.with([&](Table& table) {
    table.bySandbox.erase(sandboxId);
    table.pool.release(*address);
  });
}

std::optional<PodPorts> Attachments::findPorts(const std::string& sandboxId) const {
  return table_.with([&](const Table& table) -> std::optional<PodPorts> {
    auto found = table.bySandbox.find(sandboxId);
    if (found == table.bySandbox.end()) return std::nullopt;
    return found->second;
  });
}

std::optional<linux::Ipv4Address> Attachments::find(const std::string& sandboxId) const {
  auto pod = findPorts(sandboxId);
  if (!pod) return std::nullopt;
  return pod->address;
}

PodPortsBySandbox Attachments::all() const {
  return table_.with([](const Table& table) { return table.bySandbox; });
}

}  // namespace wherry::network
