// The kernel of a node with two pods, for the tests of its tables. Needs root.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/netlink.h>

#include "base/strings.h"
#include "linux/links.h"
#include "linux/routes.h"
#include "linux/scratch_namespace.h"
#include "linux/sysctls.h"
#include "proxy/kernel_table.h"
#include "proxy/scratch_sockets.h"

namespace wherry::proxy {

using base::IpAddress;
using linux::ScratchNamespace;

// A node 192.0.2.1 with two pods, 10.244.0.1 and 10.244.0.2, each on a veth of its own.
class KernelTableTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!ScratchNamespace::allowed()) GTEST_SKIP() << "needs root: it makes network namespaces";
    node.emplace();
    podA.emplace();
    podB.emplace();
    node->run([&] {
      linux::writeSysctl("net/ipv4/ip_forward", "1");
      linux::writeSysctl("net/ipv6/conf/all/forwarding", "1");
      linux::NetlinkSocket socket(0);
      for (const char* own : {"192.0.2.1", "2001:db8::1"}) {
        linux::addAddress(socket, {.index = 1, .address = ip(own)});
      }
    });
    link(*podA, "vethA", ip("10.244.0.1"));
    link(*podB, "vethB", ip("10.244.0.2"));
  }

  // With an address of each family: 10.244.0.7 is fd00:10:244::7 too.
  void link(const ScratchNamespace& pod, const std::string& name, const IpAddress& address) const {
    auto last = static_cast<uint8_t>(address.ipv4Value());
    const IpAddress other = ip("fd00:10:244::").plus(last);
    linux::VethEnd here{name, {2, 0, 0, 0, 0, last}};
    linux::VethEnd there{"eth0", {2, 0, 0, 0, 1, last}};
    node->run([&] {
      linux::NetlinkSocket socket(0);
      base::Fd ns(::open(pod.path().c_str(), O_RDONLY | O_CLOEXEC));
      linux::addVeth(socket, {here, there, ns.get()});
      int index = linux::findLink(socket, name)->index;
      linux::setLinkUp(socket, index);
      for (const IpAddress& own : {address, other}) {
        linux::setNeighbour(socket, index, own, there.mac);
        linux::setRoute(socket, {.destination = base::IpPrefix::single(own), .index = index});
      }
    });
    pod.run([&] {
      linux::NetlinkSocket socket(0);
      int index = linux::findLink(socket, "eth0")->index;
      for (const IpAddress& own : {address, other}) linux::addAddress(socket, {.index = index, .address = own});
      linux::setLinkUp(socket, index);
      for (const char* gateway : {"169.254.1.1", "fe80::1"}) {
        linux::setNeighbour(socket, index, ip(gateway), here.mac);
        auto all = base::IpPrefix::all(ip(gateway).family());
        linux::setRoute(socket, {.destination = all, .gateway = ip(gateway), .index = index});
      }
    });
    node->run([&] { EXPECT_TRUE(linux::waitOperational(name, std::chrono::seconds(5))); });
  }

  std::optional<ScratchNamespace> node, podA, podB;
};

// The rules and what a proxy keeps of them, in a node.
struct Loaded {
  Loaded(const ScratchNamespace& in, const Cidrs& cidrs) : node(in) {
    node.run([&] {
      kernel.emplace(cidrs);
      kernel->replace(slots);
    });
  }
  void set(const ServicePort& port, const Backends& backends) {
    Changes changes;
    slots.set(port, backends, changes);
    node.run([&] { kernel->apply(slots, changes); });
  }
  void remove(const ServicePort& port) {
    Changes changes;
    slots.remove(port, changes);
    node.run([&] { kernel->apply(slots, changes); });
  }

  const ScratchNamespace& node;
  Slots slots;
  std::optional<KernelTable> kernel;
};

// The lines of a ruleset without layout and order. Two things nft shows otherwise than they were given: a match that a
// reject implies, and the order of elements.
inline std::vector<std::string> sortedLines(const std::string& ruleset) {
  std::vector<std::string> lines;
  for (std::string_view raw : base::split(ruleset, '\n')) {
    std::string line =
        base::replaceAll(base::replaceAll(raw, "elements = { ", ""), "meta l4proto tcp reject", "reject");
    std::string_view text = base::trim(line);
    while (!text.empty() && (text.back() == ',' || text.back() == '}' || text.back() == ' ')) text.remove_suffix(1);
    if (text.empty()) continue;
    bool isElements = text[0] >= '0' && text[0] <= '9';
    for (std::string_view part : base::split(text, isElements ? ',' : '\n')) lines.emplace_back(base::trim(part));
  }
  std::sort(lines.begin(), lines.end());
  return lines;
}

}  // namespace wherry::proxy
