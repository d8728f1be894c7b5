#include "main/address_watch.h"

#include <memory>
#include <system_error>

#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include "base/log.h"
#include "linux/netlink_socket.h"

namespace wherry::main {
namespace {

const base::Log kLog("network");
// A lease that is renewed takes the address away and gives it back: what counts is what remains.
constexpr std::chrono::seconds kQuiet{1};

void watch(linux::NetlinkListener& addresses, int wake,
           const std::function<void(const linux::NodeAddresses&)>& changed) {
  auto ignore = [](uint16_t, std::string_view) {};
  while (addresses.next(wake, ignore)) {
    while (addresses.next(std::chrono::steady_clock::now() + kQuiet, ignore)) continue;
    changed(linux::readNodeAddresses());
  }
}

}  // namespace

std::optional<std::string> decideNodeIp(const std::string& current, const linux::NodeAddresses& addresses) {
  auto own = base::IpAddress::parse(current);
  auto found = linux::findNodeIp(addresses, own ? own->family() : base::IpFamily::kIPv4);
  if (!found || (own && addresses.contains(*own))) return std::nullopt;
  return found->text();
}

AddressWatch::AddressWatch(std::function<void(const linux::NodeAddresses&)> changed) : wake_(base::makePipe()) {
  auto addresses = std::make_unique<linux::NetlinkListener>(NETLINK_ROUTE, RTNLGRP_IPV4_IFADDR);
  thread_ = std::jthread([wake = wake_.read.get(), addresses = std::move(addresses), call = std::move(changed)] {
    try {
      watch(*addresses, wake, call);
    } catch (const std::system_error& error) {
      kLog.error("no longer following the node's addresses: {}", error.what());
    }
  });
}

AddressWatch::~AddressWatch() {
  wake_.write.reset();  // the other end becomes readable
  thread_.join();
}

}  // namespace wherry::main
