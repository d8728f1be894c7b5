#include "network/pod_network.h"

#include <algorithm>
#include <filesystem>
#include <mutex>
#include <semaphore>
#include <stdexcept>

#include "base/fault_point.h"
#include "base/log.h"
#include "base/strings.h"
#include "linux/conntrack.h"
#include "linux/nft/table_watch.h"
#include "linux/sysctls.h"
#include "meta/status.h"
#include "network/attachments.h"
#include "network/masquerade.h"
#include "network/pod_link.h"

namespace wherry::network {
namespace {

const base::Log kLog("network");
constexpr const char* kForward = "net/ipv4/ip_forward";
constexpr const char* kForward6 = "net/ipv6/conf/all/forwarding";

std::vector<base::IpPrefix> parseCidrs(const std::string& ranges) {
  std::vector<base::IpPrefix> prefixes;
  for (std::string_view text : base::split(ranges, ',')) {
    auto prefix = base::IpPrefix::parse(text);
    if (!prefix) throw std::invalid_argument("not a CIDR: \"" + std::string(text) + "\"");
    prefixes.push_back(*prefix);
  }
  return prefixes;
}

std::optional<base::IpPrefix> findIn(const std::vector<base::IpPrefix>& ranges, base::IpFamily family) {
  for (const base::IpPrefix& range : ranges) {
    if (range.family() == family) return range;
  }
  return std::nullopt;
}

bool anyContains(const std::vector<base::IpPrefix>& ranges, const base::IpAddress& address) {
  return std::any_of(ranges.begin(), ranges.end(), [&](const auto& range) { return range.contains(address); });
}

PodAddress podAddress(const std::string& sandboxId, const std::vector<base::IpAddress>& addresses) {
  std::vector<std::string> texts;
  for (const base::IpAddress& address : addresses) texts.push_back(address.text());
  return {base::join(texts, ","), describePodLink(sandboxId, addresses).hostInterface};
}

// A node that forwards takes no routes from routers any more, unless it is told to (RFC 4861 section 6.2.1): it would
// lose its own way out.
constexpr std::string_view kAcceptsFromRouters = "1";
constexpr std::string_view kAcceptsThoughForwarding = "2";

std::vector<std::string> readAcceptingInterfaces() {
  std::vector<std::string> settings;
  std::error_code none;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/sys/net/ipv6/conf", none)) {
    std::string name = entry.path().filename();
    std::string setting = "net/ipv6/conf/" + name + "/accept_ra";
    if (name.starts_with(kHostInterfacePrefix) || name == "lo") continue;
    if (linux::readSysctl(setting) == kAcceptsFromRouters) settings.push_back(std::move(setting));
  }
  return settings;
}

}  // namespace

struct PodNetwork::State {
  explicit State(const PodNetworkOptions& options)
      : podCidrs(parseCidrs(options.podCidr)),
        clusterCidrs(parseCidrs(options.clusterCidr)),
        serviceCidrs(options.serviceCidr.empty() ? std::vector<base::IpPrefix>() : parseCidrs(options.serviceCidr)),
        sysctlRecord(options.sysctlRecord),
        attachments(podCidrs, options.dataDir) {
    for (const base::IpPrefix& range : podCidrs) {
      if (!findIn(clusterCidrs, range.family())) {
        throw std::invalid_argument("no range of the cluster's pods is of the family of " + range.text());
      }
      hostPorts.emplace_back(findIn(serviceCidrs, range.family()), range.family());
    }
  }

  // Whether a pod or a Service is at one of its ends.
  bool isOurs(const linux::Connection& connection) const {
    const auto& [protocol, original, reply] = connection;
    return anyContains(clusterCidrs, original.source) || anyContains(clusterCidrs, original.destination) ||
           anyContains(clusterCidrs, reply.source) || anyContains(serviceCidrs, original.destination);
  }

  void change(const std::string& setting, std::string_view value, const std::vector<std::string>& dependents) const {
    if (sysctlRecord.empty()) return linux::writeSysctl(setting, value);
    linux::changeSysctl(setting, value, sysctlRecord, dependents);
  }
  void forward() const {
    if (findIn(podCidrs, base::IpFamily::kIPv4)) change(kForward, "1", {"net/ipv4/conf/all/accept_redirects"});
    if (!findIn(podCidrs, base::IpFamily::kIPv6)) return;
    for (const std::string& setting : readAcceptingInterfaces()) change(setting, kAcceptsThoughForwarding, {});
    change(kForward6, "1", {});
  }

  void masquerade() const {
    for (const base::IpPrefix& range : podCidrs) {
      applyMasquerade({.podCidr = range, .clusterCidr = *findIn(clusterCidrs, range.family())});
    }
  }
  void masqueradeAgain() {
    kLog.warn("somebody removed table {}, or changed it; writing it anew", kMasqueradeTable);
    try {
      masquerade();
    } catch (const std::exception& error) {
      kLog.error("pods don't reach the outside: {}", error.what());
    }
  }

  void openAll() {
    std::lock_guard lock(hostPortsLock);
    PodPortsBySandbox open = attachments.all();
    std::erase_if(open, [](const auto& entry) { return entry.second.ports.empty(); });
    for (HostPortTable& table : hostPorts) table.replace(open);
  }
  void openAllAgain() {
    kLog.warn("somebody removed table {}, or changed it; writing it anew", kHostPortTable);
    try {
      openAll();
    } catch (const std::exception& error) {
      kLog.error("no pod is reached by a host port: {}", error.what());
    }
  }

  void open(const std::string& sandboxId, const PodPorts& pod) {
    std::lock_guard lock(hostPortsLock);
    for (HostPortTable& table : hostPorts) table.open(sandboxId, pod);
  }
  void close(const std::string& sandboxId) {
    std::lock_guard lock(hostPortsLock);
    for (HostPortTable& table : hostPorts) table.close(sandboxId);
  }

  // Asked before anything is on disk: of two sandboxes the one that has the port keeps it.
  void refuseTaken(const std::string& sandboxId, const std::vector<HostPort>& ports) {
    if (ports.empty()) return;
    auto other = findPortConflict(attachments.all(), sandboxId, ports);
    if (other) throw meta::serviceUnavailable("another pod of this node has a host port that is asked for: " + *other);
  }

  std::vector<base::IpPrefix> podCidrs;  // one of each family in which pods have addresses
  std::vector<base::IpPrefix> clusterCidrs;
  std::vector<base::IpPrefix> serviceCidrs;
  std::string sysctlRecord;
  Attachments attachments;
  std::mutex hostPortsLock;              // one change of the table at a time
  std::vector<HostPortTable> hostPorts;  // one of each family
  std::vector<std::unique_ptr<linux::nft::TableWatch>> watches;
  // Links are made under one lock of the kernel's; more at once only wait for each other there.
  std::counting_semaphore<4> atOnce{4};
};

namespace {

class Turn {
 public:
  explicit Turn(std::counting_semaphore<4>& semaphore) : semaphore_(semaphore) { semaphore_.acquire(); }
  ~Turn() { semaphore_.release(); }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

 private:
  std::counting_semaphore<4>& semaphore_;
};

}  // namespace

PodNetwork::PodNetwork(PodNetworkOptions options) : state_(std::make_unique<State>(options)) {}
PodNetwork::~PodNetwork() = default;

void PodNetwork::start() {
  state_->forward();
  state_->masquerade();
  base::faultPoint("masquerade-loaded");
  auto watch = [&](const char* table, base::IpFamily family, void (State::*again)()) {
    state_->watches.push_back(std::make_unique<linux::nft::TableWatch>(
        table, [state = state_.get(), again] { (state->*again)(); }, family));
  };
  for (const base::IpPrefix& range : state_->podCidrs) watch(kMasqueradeTable, range.family(), &State::masqueradeAgain);
  state_->openAll();
  for (const base::IpPrefix& range : state_->podCidrs) watch(kHostPortTable, range.family(), &State::openAllAgain);
  for (const std::string& chain : listDroppingForwardChains()) {
    kLog.warn("{} drops forwarded packets: pods reach nothing beyond the node unless it accepts {}", chain,
              state_->clusterCidrs.front().text());
  }
}

PodAddress PodNetwork::attach(const std::string& sandboxId, const std::string& netnsPath,
                              const std::vector<HostPort>& hostPorts) {
  state_->refuseTaken(sandboxId, hostPorts);
  auto addresses = state_->attachments.allocate(sandboxId, hostPorts);
  PodLink link = describePodLink(sandboxId, addresses);
  Turn turn(state_->atOnce);
  applyPodLink(link, netnsPath);
  // So that 127.0.0.1 leads to a host port or a node port; the chain "guard" of the host ports' table keeps others from
  // using it.
  linux::writeSysctl("net/ipv4/conf/" + link.hostInterface + "/route_localnet", "1");
  state_->open(sandboxId, {addresses, hostPorts});
  return podAddress(sandboxId, addresses);
}

void PodNetwork::detach(const std::string& sandboxId) {
  auto addresses = state_->attachments.find(sandboxId);
  if (addresses.empty()) return;
  state_->close(sandboxId);
  {
    Turn turn(state_->atOnce);
    removePodLink(describePodLink(sandboxId, addresses).hostInterface);
  }
  base::faultPoint("link-removed");
  for (const base::IpAddress& address : addresses) linux::endConnections(address);
  base::faultPoint("connections-forgotten");
  state_->attachments.release(sandboxId);
  base::faultPoint("address-released");
}

std::optional<PodAddress> PodNetwork::findAddress(const std::string& sandboxId) const {
  auto addresses = state_->attachments.find(sandboxId);
  if (addresses.empty()) return std::nullopt;
  return podAddress(sandboxId, addresses);
}

std::vector<Attachment> PodNetwork::list() const {
  std::vector<Attachment> list;
  for (const auto& [sandboxId, pod] : state_->attachments.all()) {
    list.push_back({sandboxId, podAddress(sandboxId, pod.addresses)});
  }
  return list;
}

void PodNetwork::removeAll() {
  state_->watches.clear();
  for (const auto& [sandboxId, pod] : state_->attachments.all()) detach(sandboxId);
  removeAllPodLinks();
  linux::deleteConnections(0, [this](const linux::Connection& connection) { return state_->isOurs(connection); });
  removeHostPortTables();
  removeMasquerade();
  linux::restoreSysctls(state_->sysctlRecord);
}

}  // namespace wherry::network
