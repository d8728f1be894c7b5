#include "network/pod_network.h"

#include <semaphore>
#include <stdexcept>

#include "base/log.h"
#include "linux/conntrack.h"
#include "linux/nft/table_watch.h"
#include "linux/sysctls.h"
#include "network/attachments.h"
#include "network/masquerade.h"
#include "network/pod_link.h"

namespace wherry::network {
namespace {

const base::Log kLog("network");

linux::Ipv4Prefix parseCidr(const std::string& text) {
  auto prefix = linux::Ipv4Prefix::parse(text);
  if (!prefix) throw std::invalid_argument("not an IPv4 CIDR: \"" + text + "\"");
  return *prefix;
}

PodAddress podAddress(const std::string& sandboxId, linux::Ipv4Address address) {
  return {address.text(), describePodLink(sandboxId, address).hostInterface};
}

void forgetConnections(linux::Ipv4Address address) {
  linux::deleteConnections(0, [&](const linux::Connection& connection) {
    return connection.original.source == address || connection.original.destination == address ||
           connection.reply.source == address;
  });
}

}  // namespace

struct PodNetwork::State {
  explicit State(const PodNetworkOptions& options)
      : podCidr(parseCidr(options.podCidr)),
        clusterCidr(parseCidr(options.clusterCidr)),
        attachments(podCidr, options.dataDir) {}

  void masquerade() const { applyMasquerade({.podCidr = podCidr, .clusterCidr = clusterCidr}); }
  void masqueradeAgain() const {
    kLog.warn("somebody removed table ip {}; writing it anew", kMasqueradeTable);
    try {
      masquerade();
    } catch (const std::exception& error) {
      kLog.error("pods don't reach the outside: {}", error.what());
    }
  }

  linux::Ipv4Prefix podCidr;
  linux::Ipv4Prefix clusterCidr;
  Attachments attachments;
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
  linux::writeSysctl("net/ipv4/ip_forward", "1");
  state_->masquerade();
  state_->watch.emplace(kMasqueradeTable, [state = state_.get()] { state->masqueradeAgain(); });
  for (const std::string& chain : listDroppingForwardChains()) {
    kLog.warn("{} drops forwarded packets: pods reach nothing beyond the node unless it accepts {}", chain,
              state_->clusterCidr.text());
  }
}

PodAddress PodNetwork::attach(const std::string& sandboxId, const std::string& netnsPath) {
  linux::Ipv4Address address = state_->attachments.allocate(sandboxId);
  Turn turn(state_->atOnce);
  applyPodLink(describePodLink(sandboxId, address), netnsPath);
  return podAddress(sandboxId, address);
}

void PodNetwork::detach(const std::string& sandboxId) {
  auto address = state_->attachments.find(sandboxId);
  if (!address) return;
  {
    Turn turn(state_->atOnce);
    removePodLink(describePodLink(sandboxId, *address).hostInterface);
  }
  forgetConnections(*address);
  state_->attachments.release(sandboxId);
}

std::optional<PodAddress> PodNetwork::findAddress(const std::string& sandboxId) const {
  auto address = state_->attachments.find(sandboxId);
  if (!address) return std::nullopt;
  return podAddress(sandboxId, *address);
}

std::vector<Attachment> PodNetwork::list() const {
  std::vector<Attachment> list;
  for (const auto& [sandboxId, address] : state_->attachments.all()) {
    list.push_back({sandboxId, podAddress(sandboxId, address)});
  }
  return list;
}

void PodNetwork::removeAll() {
  state_->watch.reset();
  for (const auto& [sandboxId, address] : state_->attachments.all()) detach(sandboxId);
  removeMasquerade();
}

}  // namespace wherry::network
