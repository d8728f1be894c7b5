// A node with two pods on veths, for the tests of tables that their packets meet. Needs root.
#pragma once

#include <optional>
#include <string>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/netlink.h>

#include "linux/links.h"
#include "linux/routes.h"
#include "linux/scratch_namespace.h"
#include "linux/scratch_sockets.h"
#include "linux/sysctls.h"

namespace wherry::linux {

using base::IpAddress;

// A node 192.0.2.1 with two pods, 10.244.0.1 and 10.244.0.2, each on a veth of its own.
class ScratchNodeTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!ScratchNamespace::allowed()) GTEST_SKIP() << "needs root: it makes network namespaces";
    node.emplace();
    podA.emplace();
    podB.emplace();
    node->run([&] {
      writeSysctl("net/ipv4/ip_forward", "1");
      writeSysctl("net/ipv6/conf/all/forwarding", "1");
      NetlinkSocket socket(0);
      for (const char* own : {"192.0.2.1", "2001:db8::1"}) {
        addAddress(socket, {.index = 1, .address = ip(own)});
      }
    });
    link(*podA, "vethA", ip("10.244.0.1"));
    link(*podB, "vethB", ip("10.244.0.2"));
  }

  // With an address of each family: 10.244.0.7 is fd00:10:244::7 too.
  void link(const ScratchNamespace& pod, const std::string& name, const IpAddress& address) const {
    auto last = static_cast<uint8_t>(address.ipv4Value());
    const IpAddress other = ip("fd00:10:244::").plus(last);
    VethEnd here{name, {2, 0, 0, 0, 0, last}};
    VethEnd there{"eth0", {2, 0, 0, 0, 1, last}};
    node->run([&] {
      NetlinkSocket socket(0);
      base::Fd ns(::open(pod.path().c_str(), O_RDONLY | O_CLOEXEC));
      addVeth(socket, {here, there, ns.get()});
      int index = findLink(socket, name)->index;
      setLinkUp(socket, index);
      for (const IpAddress& own : {address, other}) {
        setNeighbour(socket, index, own, there.mac);
        setRoute(socket, {.destination = base::IpPrefix::single(own), .index = index});
      }
    });
    pod.run([&] {
      NetlinkSocket socket(0);
      int index = findLink(socket, "eth0")->index;
      for (const IpAddress& own : {address, other}) addAddress(socket, {.index = index, .address = own});
      setLinkUp(socket, index);
      for (const char* gateway : {"169.254.1.1", "fe80::1"}) {
        setNeighbour(socket, index, ip(gateway), here.mac);
        auto all = base::IpPrefix::all(ip(gateway).family());
        setRoute(socket, {.destination = all, .gateway = ip(gateway), .index = index});
      }
    });
    node->run([&] { EXPECT_TRUE(waitOperational(name, std::chrono::seconds(5))); });
  }

  std::optional<ScratchNamespace> node, podA, podB;
};

}  // namespace wherry::linux
