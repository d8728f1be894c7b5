#include "network/pod_network.h"

#include <mutex>
#include <semaphore>
#include <stdexcept>

#include "base/fault_point.h"
#include "base/log.h"
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

linux::Ipv4Prefix parseCidr(const std::string& text) {
  auto prefix = linux::Ipv4Prefix::parse(text);
  if (!prefix) throw std::invalid_argument("not an IPv4 CIDR: \"" + text + "\"");
  return *prefix;
}

PodAddress podAddress(const std::string& sandboxId, linux::Ipv4Address address) {
  return {address.text(), describePodLink(sandboxId, address).hostInterface};
}

}  // namespace

struct PodNetwork::State {
  explicit State(const PodNetworkOptions& options)
      : podCidr(parseCidr(options.podCidr)),
        clusterCidr(parseCidr(options.clusterCidr)),
        serviceCidr(linux::Ipv4Prefix::parse(options.serviceCidr)),
        sysctlRecord(options.sysctlRecord),
        attachments(podCidr, options.dataDir),
        hostPorts(serviceCidr) {}

  // Whether a pod or a Service is at one of its ends.
  bool isOurs(const linux::Connection& connection) const {
    const auto& [protocol, original, reply] = connection;
    return clusterCidr.contains(original.source) || clusterCidr.contains(original.destination) ||
           clusterCidr.contains(reply.source) || (serviceCidr && serviceCidr->contains(original.destination));
  }

  void forward() const {
    if (sysctlRecord.empty()) return linux::writeSysctl(kForward, "1");
    linux::changeSysctl(kForward, "1", sysctlRecord, {"net/ipv4/conf/all/accept_redirects"});
  }

  void masquerade() const { applyMasquerade({.podCidr = podCidr, .clusterCidr = clusterCidr}); }
  void masqueradeAgain() const {
    kLog.warn("somebody removed table ip {}, or changed it; writing it anew", kMasqueradeTable);
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
    hostPorts.replace(std::move(open));
  }
  void openAllAgain() {
    kLog.warn("somebody removed table ip {}, or changed it; writing it anew", kHostPortTable);
    try {
      openAll();
    } catch (const std::exception& error) {
      kLog.error("no pod is reached by a host port: {}", error.what());
    }
  }

  void open(const std::string& sandboxId, const PodPorts& pod) {
    std::lock_guard lock(hostPortsLock);
    hostPorts.open(sandboxId, pod);
  }
  void close(const std::string& sandboxId) {
    std::lock_guard lock(hostPortsLock);
    hostPorts.close(sandboxId);
  }

  // Asked before anything is on disk: of two sandboxes the one that has the port keeps it.
  void refuseTaken(const std::string& sandboxId, const std::vector<HostPort>& ports) {
    if (ports.empty()) return;
    auto other = findPortConflict(attachments.all(), sandboxId, ports);
    if (other) throw meta::serviceUnavailable("another pod of this node has a host port that is asked for: " + *other);
  }

  linux::Ipv4Prefix podCidr;
  linux::Ipv4Prefix clusterCidr;
  std::optional<linux::Ipv4Prefix> serviceCidr;
  std::string sysctlRecord;
  Attachments attachments;
  std::mutex hostPortsLock;  // one change of the table at a time
  HostPortTable hostPorts;
  std::optional<linux::nft::TableWatch> hostPortWatch;
  std::optional<linux::nft::TableWatch> watch;
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
  state_->watch.emplace(kMasqueradeTable, [state = state_.get()] { state->masqueradeAgain(); });
  state_->openAll();
  state_->hostPortWatch.emplace(kHostPortTable, [state = state_.get()] { state->openAllAgain(); });
  for (const std::string& chain : listDroppingForwardChains()) {
    kLog.warn("{} drops forwarded packets: pods reach nothing beyond the node unless it accepts {}", chain,
              state_->clusterCidr.text());
  }
}

PodAddress PodNetwork::attach(const std::string& sandboxId, const std::string& netnsPath,
                              const std::vector<HostPort>& hostPorts) {
  state_->refuseTaken(sandboxId, hostPorts);
  linux::Ipv4Address address = state_->attachments.allocate(sandboxId, hostPorts);
  PodLink link = describePodLink(sandboxId, address);
  Turn turn(state_->atOnce);
  applyPodLink(link, netnsPath);
  // So that 127.0.0.1 leads to a host port or a node port; the chain "guard" of the host ports' table keeps others from
  // using it.
  linux::writeSysctl("net/ipv4/conf/" + link.hostInterface + "/route_localnet", "1");
  state_->open(sandboxId, {address, hostPorts});
  return podAddress(sandboxId, address);
}

void PodNetwork::detach(const std::string& sandboxId) {
  auto address = state_->attachments.find(sandboxId);
  if (!address) return;
  state_->close(sandboxId);
  {
    Turn turn(state_->atOnce);
    removePodLink(describePodLink(sandboxId, *address).hostInterface);
  }
  base::faultPoint("link-removed");
  linux::endConnections(*address);
  base::faultPoint("connections-forgotten");
  state_->attachments.release(sandboxId);
  base::faultPoint("address-released");
}

std::optional<PodAddress> PodNetwork::findAddress(const std::string& sandboxId) const {
  auto address = state_->attachments.find(sandboxId);
  if (!address) return std::nullopt;
  return podAddress(sandboxId, *address);
}

std::vector<Attachment> PodNetwork::list() const {
  std::vector<Attachment> list;
  for (const auto& [sandboxId, pod] : state_->attachments.all()) {
    list.push_back({sandboxId, podAddress(sandboxId, pod.address)});
  }
  return list;
}

void PodNetwork::removeAll() {
  state_->watch.reset();
  state_->hostPortWatch.reset();
  for (const auto& [sandboxId, pod] : state_->attachments.all()) detach(sandboxId);
  removeAllPodLinks();
  linux::deleteConnections(0, [this](const linux::Connection& connection) { return state_->isOurs(connection); });
  removeHostPortTable();
  removeMasquerade();
  linux::restoreSysctls(state_->sysctlRecord);
}

}  // namespace wherry::network
