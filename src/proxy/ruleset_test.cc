#include "proxy/ruleset.h"

#include <gtest/gtest.h>
#include <netinet/in.h>

#include "linux/nft/render.h"
#include "linux/nft/tracer.h"

namespace wherry::proxy {
namespace {

using base::IpAddress;
namespace nft = linux::nft;

IpAddress ip(const char* text) { return *IpAddress::parse(text); }
ServicePort tcp(const char* address, uint16_t port) { return {ip(address), IPPROTO_TCP, port}; }
ServicePort udp(const char* address, uint16_t port) { return {ip(address), IPPROTO_UDP, port}; }
Endpoint endpoint(const char* address, uint16_t port) { return {ip(address), port}; }

Slots boat() {
  Slots slots;
  Changes ignored;
  slots.set(tcp("10.96.0.1", 80), {endpoint("10.244.0.1", 8080), endpoint("10.244.0.2", 8080)}, ignored);
  slots.set(udp("10.96.0.2", 53), {endpoint("10.244.0.3", 5353)}, ignored);
  slots.set(tcp("10.96.0.3", 80), {}, ignored);
  slots.set(udp("10.96.0.3", 80), {}, ignored);
  return slots;
}

const Cidrs kCidrs{.services = base::IpPrefix::parse("10.96.0.0/12"),
                   .pods = base::IpPrefix::parse("10.244.0.0/24"),
                   .nodeAddresses = {ip("192.0.2.1"), ip("10.96.0.10")}};

struct From {
  const char* source;
  const char* interface;
};
constexpr From kPod{"10.244.0.1", "wh000000000001"};
constexpr From kNode{"192.0.2.1", ""};

std::string trace(From from, const ServicePort& to, uint32_t random = 0) {
  nft::Tracer tracer({wholeTable(boat(), kCidrs)}, {.nodeAddresses = {ip("192.0.2.1")},
                                                    .random = [random](uint32_t modulus) { return random % modulus; }});
  return tracer
      .trace({.source = ip(from.source),
              .destination = to.ip,
              .protocol = to.protocol,
              .destinationPort = to.port,
              .inputInterface = from.interface})
      .text();
}

TEST(ProxyRuleset, APodToAClusterIpGoesToOneOfItsEndpoints) {
  EXPECT_EQ(trace({"10.244.0.9", "wh9"}, tcp("10.96.0.1", 80), 0), "dnat to 10.244.0.1:8080, accept");
  EXPECT_EQ(trace({"10.244.0.9", "wh9"}, tcp("10.96.0.1", 80), 1), "dnat to 10.244.0.2:8080, accept");
}

// No kernel of the tests has SCTP itself: that such packets are led on is shown here alone.
TEST(ProxyRuleset, SctpToAClusterIpGoesToItsEndpointsOfSctp) {
  Slots slots = boat();
  Changes ignored;
  slots.set({ip("10.96.0.1"), IPPROTO_SCTP, 80}, {endpoint("10.244.0.2", 9090)}, ignored);
  slots.set({ip("10.96.0.3"), IPPROTO_SCTP, 80}, {}, ignored);
  nft::Tracer tracer({wholeTable(slots, kCidrs)}, {.nodeAddresses = {ip("192.0.2.1")}});
  auto trace = [&](const char* destination, uint16_t port) {
    return tracer
        .trace({.source = ip("10.244.0.9"),
                .destination = ip(destination),
                .protocol = IPPROTO_SCTP,
                .destinationPort = port,
                .inputInterface = "wh9"})
        .text();
  };
  EXPECT_EQ(trace("10.96.0.1", 80), "dnat to 10.244.0.2:9090, accept");
  EXPECT_EQ(trace("10.96.0.1", 81), "reject with icmp port-unreachable");
  EXPECT_EQ(trace("10.96.0.3", 80), "reject with icmp port-unreachable");
}

TEST(ProxyRuleset, TheNodeToAClusterIpGoesToAnEndpointUnderItsOwnAddress) {
  EXPECT_EQ(trace(kNode, udp("10.96.0.2", 53)), "dnat to 10.244.0.3:5353, accept");
}

TEST(ProxyRuleset, APodToItselfThroughAServiceIsMasqueraded) {
  EXPECT_EQ(trace(kPod, tcp("10.96.0.1", 80), 0), "dnat to 10.244.0.1:8080, masquerade, accept");
  EXPECT_EQ(trace(kPod, tcp("10.96.0.1", 80), 1), "dnat to 10.244.0.2:8080, accept");
}

TEST(ProxyRuleset, APodToAClusterIpWithoutEndpointsIsRefused) {
  EXPECT_EQ(trace(kPod, tcp("10.96.0.3", 80)), "reject with tcp reset");
  EXPECT_EQ(trace(kPod, udp("10.96.0.3", 80)), "reject with icmp port-unreachable");
}

TEST(ProxyRuleset, TheNodeToAClusterIpWithoutEndpointsIsRefused) {
  EXPECT_EQ(trace(kNode, tcp("10.96.0.3", 80)), "reject with tcp reset");
  EXPECT_EQ(trace(kNode, udp("10.96.0.3", 80)), "reject with icmp port-unreachable");
}

TEST(ProxyRuleset, AnotherPortOrProtocolOfAClusterIpIsRefused) {
  EXPECT_EQ(trace(kPod, tcp("10.96.0.1", 81)), "reject with tcp reset");
  EXPECT_EQ(trace(kPod, udp("10.96.0.1", 80)), "reject with icmp port-unreachable");
}

TEST(ProxyRuleset, AnAddressOfTheServiceCidrThatNoServiceHasIsRefused) {
  EXPECT_EQ(trace(kPod, tcp("10.99.0.1", 80)), "reject with tcp reset");
  EXPECT_EQ(trace(kNode, tcp("10.99.0.1", 80)), "reject with tcp reset");
}

TEST(ProxyRuleset, TheClusterDnsAddressIsTheNodesOwn) {
  EXPECT_EQ(trace(kPod, udp("10.96.0.10", 53)), "accept");
  EXPECT_EQ(trace(kNode, udp("10.96.0.10", 53)), "accept");
}

TEST(ProxyRuleset, APacketOutOfItsConnectionsWindowIsDroppedNotReset) {
  nft::Tracer tracer({wholeTable(boat(), kCidrs)}, {.nodeAddresses = {}});
  nft::Packet packet{.source = ip("10.244.0.9"),
                     .destination = ip("10.96.0.1"),
                     .destinationPort = 80,
                     .invalid = true,
                     .inputInterface = "wh9"};
  EXPECT_EQ(tracer.trace(packet).text(), "drop");
}

TEST(ProxyRuleset, TrafficToOtherAddressesIsLeftAlone) {
  EXPECT_EQ(trace(kPod, tcp("10.244.0.2", 8080)), "accept");
  EXPECT_EQ(trace(kPod, tcp("1.1.1.1", 80)), "accept");
  EXPECT_EQ(trace(kNode, tcp("192.0.2.1", 22)), "accept");
}

// Ports of the node and of addresses from outside. What is for 10.244.1.1 and 203.0.113.1 is not on this node.
Slots harbour() {
  Slots slots;
  Changes ignored;
  auto nodePort = [](uint16_t port, Clients clients = Clients::kAll) {
    return ServicePort{{}, IPPROTO_TCP, port, clients};
  };
  auto external = [](const char* address, Clients clients = Clients::kAll) {
    return ServicePort{ip(address), IPPROTO_TCP, 80, clients};
  };
  Endpoint here = endpoint("10.244.0.1", 8080);
  Endpoint there{ip("10.244.1.1"), 8080, Place::kElsewhere};
  Backends nobodyHere, members({here});
  nobodyHere.nobody = Backends::Nobody::kAnswers;
  members.sources = {*base::IpPrefix::parse("198.51.100.0/24"), *base::IpPrefix::parse("203.0.113.7/32")};
  slots.set(nodePort(30080), {here}, ignored);
  slots.set({{}, IPPROTO_SCTP, 30080}, {here}, ignored);
  slots.set(nodePort(30081), {there}, ignored);
  slots.set(nodePort(30082), {}, ignored);
  slots.set(nodePort(30083), {there}, ignored);
  slots.set(nodePort(30083, Clients::kOutside), {here}, ignored);
  slots.set(nodePort(30084), {there}, ignored);
  slots.set(nodePort(30084, Clients::kOutside), nobodyHere, ignored);
  slots.set(external("198.18.0.1"), {here}, ignored);
  slots.set(external("198.18.0.2"), {there}, ignored);
  slots.set(external("198.18.0.2", Clients::kOutside), nobodyHere, ignored);
  slots.set(external("198.18.0.3"), members, ignored);
  slots.set(external("10.96.0.4"), nobodyHere, ignored);
  return slots;
}

struct Voyage {
  const char* name;
  const char* source;
  const char* interface;  // "" for the node
  const char* destination;
  uint16_t port;
  const char* expected;
  uint8_t protocol = IPPROTO_TCP;
};

TEST(ProxyRuleset, LeadsClientsOfEverySortToPortsOfEverySort) {
  nft::Tracer tracer({wholeTable(harbour(), kCidrs)}, {.nodeAddresses = {ip("192.0.2.1"), ip("10.96.0.10")}});
  const Voyage kVoyages[] = {
      {"the world to a node port, under its own address", "198.51.100.1", "eth0", "192.0.2.1", 30080,
       "dnat to 10.244.0.1:8080, accept"},
      {"another protocol of the same number", "198.51.100.1", "eth0", "192.0.2.1", 30080,
       "dnat to 10.244.0.1:8080, accept", IPPROTO_SCTP},
      {"a protocol that no Service has there", "198.51.100.1", "eth0", "192.0.2.1", 30080, "accept", IPPROTO_UDP},
      {"a pod to a node port", "10.244.0.2", "wh2", "192.0.2.1", 30080, "dnat to 10.244.0.1:8080, accept"},
      {"a pod to itself by a node port", "10.244.0.1", "wh1", "192.0.2.1", 30080,
       "dnat to 10.244.0.1:8080, masquerade, accept"},
      {"the node to its own node port", "192.0.2.1", "", "192.0.2.1", 30080, "dnat to 10.244.0.1:8080, accept"},
      {"the node by loopback, under an address that can be answered", "127.0.0.1", "", "127.0.0.1", 30080,
       "dnat to 10.244.0.1:8080, masquerade, accept"},
      {"a node port's number of somebody else", "10.244.0.2", "wh2", "198.51.100.1", 30080, "accept"},
      {"the cluster DNS address has no node ports", "10.244.0.2", "wh2", "10.96.0.10", 30080, "accept"},
      {"the world to an endpoint elsewhere, which must answer this way", "198.51.100.1", "eth0", "192.0.2.1", 30081,
       "dnat to 10.244.1.1:8080, masquerade, accept"},
      {"the node to an endpoint elsewhere, under the address of the way there", "192.0.2.1", "", "192.0.2.1", 30081,
       "dnat to 10.244.1.1:8080, masquerade, accept"},
      {"a pod to an endpoint elsewhere: its answers pass here anyhow", "10.244.0.2", "wh2", "192.0.2.1", 30081,
       "dnat to 10.244.1.1:8080, accept"},
      {"a node port without endpoints, from the world", "198.51.100.1", "eth0", "192.0.2.1", 30082,
       "reject with tcp reset"},
      {"a node port without endpoints, from the node", "127.0.0.1", "", "127.0.0.1", 30082, "reject with tcp reset"},
      {"policy Local: the world comes to the node's own endpoint under its own address", "198.51.100.1", "eth0",
       "192.0.2.1", 30083, "dnat to 10.244.0.1:8080, accept"},
      {"policy Local: pods come to all endpoints", "10.244.0.2", "wh2", "192.0.2.1", 30083,
       "dnat to 10.244.1.1:8080, accept"},
      {"policy Local without an endpoint here, from the world", "198.51.100.1", "eth0", "192.0.2.1", 30084, "drop"},
      {"policy Local without an endpoint here, from a pod", "10.244.0.2", "wh2", "192.0.2.1", 30084,
       "dnat to 10.244.1.1:8080, accept"},
      {"policy Local without an endpoint here, from the node", "192.0.2.1", "", "192.0.2.1", 30084,
       "dnat to 10.244.1.1:8080, masquerade, accept"},
      {"an external address", "198.51.100.1", "eth0", "198.18.0.1", 80, "dnat to 10.244.0.1:8080, accept"},
      {"an external address, another port", "198.51.100.1", "eth0", "198.18.0.1", 81, "accept"},
      {"an external address with policy Local and nobody here", "198.51.100.1", "eth0", "198.18.0.2", 80, "drop"},
      {"an external address with policy Local, from a pod", "10.244.0.2", "wh2", "198.18.0.2", 80,
       "dnat to 10.244.1.1:8080, accept"},
      {"who is in a source range", "198.51.100.9", "eth0", "198.18.0.3", 80, "dnat to 10.244.0.1:8080, accept"},
      {"who is a source range", "203.0.113.7", "eth0", "198.18.0.3", 80, "dnat to 10.244.0.1:8080, accept"},
      {"who is in no source range", "203.0.113.8", "eth0", "198.18.0.3", 80, "drop"},
      {"the node, in no source range either", "192.0.2.1", "", "198.18.0.3", 80, "drop"},
      {"a cluster IP with internal policy Local and nobody here", "10.244.0.2", "wh2", "10.96.0.4", 80, "drop"},
  };
  for (const Voyage& c : kVoyages) {
    auto trace = tracer.trace({.source = ip(c.source),
                               .destination = ip(c.destination),
                               .protocol = c.protocol,
                               .destinationPort = c.port,
                               .inputInterface = c.interface});
    EXPECT_EQ(trace.text(), c.expected) << c.name;
  }
}

TEST(ProxyRuleset, OfAnAddressOfTheBalancersPoolOnlyServicesPortsAreReached) {
  Cidrs cidrs = kCidrs;
  cidrs.balancerPool = {*base::IpPrefix::parse("198.18.0.0/30"), *base::IpPrefix::parse("192.0.2.0/28")};
  // The node answers for those that Services have.
  nft::Tracer tracer({wholeTable(harbour(), cidrs)}, {.nodeAddresses = {ip("192.0.2.1"), ip("198.18.0.1")}});
  const Voyage kVoyages[] = {
      {"a Service's port", "198.51.100.1", "eth0", "198.18.0.1", 80, "dnat to 10.244.0.1:8080, accept"},
      {"another port", "198.51.100.1", "eth0", "198.18.0.1", 22, "reject with tcp reset"},
      {"another port, from a pod", "10.244.0.2", "wh2", "198.18.0.1", 22, "reject with tcp reset"},
      {"another port, from the node", "192.0.2.1", "", "198.18.0.1", 22, "reject with tcp reset"},
      {"a node port's number", "198.51.100.1", "eth0", "198.18.0.1", 30080, "reject with tcp reset"},
      {"an address that no Service has", "10.244.0.2", "wh2", "198.18.0.0", 80, "reject with tcp reset"},
      {"an address beyond the pool", "10.244.0.2", "wh2", "198.18.0.4", 80, "accept"},
      {"the node's own address, of a pool that was given generously", "198.51.100.1", "eth0", "192.0.2.1", 22,
       "accept"},
  };
  for (const Voyage& c : kVoyages) {
    auto trace = tracer.trace({.source = ip(c.source),
                               .destination = ip(c.destination),
                               .protocol = c.protocol,
                               .destinationPort = c.port,
                               .inputInterface = c.interface});
    EXPECT_EQ(trace.text(), c.expected) << c.name;
  }
}

TEST(ProxyRuleset, TheAddressOfAPodThatIsGoneIsRefused) {
  nft::Tracer tracer({wholeTable(boat(), kCidrs)}, {.nodeAddresses = {ip("192.0.2.1")}});
  auto trace = [&](const char* source, const char* from, const char* destination, const char* way) {
    return tracer
        .trace({.source = ip(source),
                .destination = ip(destination),
                .destinationPort = 80,
                .inputInterface = from,
                .outputInterface = way})
        .text();
  };
  EXPECT_EQ(trace("10.244.0.1", "wh1", "10.244.0.9", "lo"), "reject with tcp reset");
  EXPECT_EQ(trace("192.0.2.1", "", "10.244.0.9", "lo"), "reject with tcp reset");
  EXPECT_EQ(trace("192.0.2.1", "lo", "10.244.0.9", ""), "reject with tcp reset");
  EXPECT_EQ(trace("10.244.0.1", "wh1", "10.244.0.2", "wh2"), "accept");
  EXPECT_EQ(trace("192.0.2.1", "", "10.244.0.2", "wh2"), "accept");
  EXPECT_EQ(trace("127.0.0.1", "", "127.0.0.1", "lo"), "accept");
}

TEST(ProxyRuleset, AClientWithAffinityComesBackToItsEndpoint) {
  Slots slots;
  Changes ignored;
  Backends both({endpoint("10.244.0.1", 8080), endpoint("10.244.0.2", 8080)});
  both.affinity = std::chrono::duration<uint32_t>(60);
  slots.set(tcp("10.96.0.1", 80), both, ignored);
  slots.set({{}, IPPROTO_TCP, 30080}, both, ignored);
  nft::Table table = wholeTable(slots, kCidrs);
  for (const char* destination : {"10.96.0.1", "192.0.2.1"}) {
    uint32_t slot = 0;
    auto trace = [&](const char* source) {
      nft::Tracer tracer({table}, {.nodeAddresses = {ip("192.0.2.1")}, .random = [&](uint32_t) { return slot; }});
      auto port = static_cast<uint16_t>(std::string_view(destination) == "10.96.0.1" ? 80 : 30080);
      auto result = tracer.trace(
          {.source = ip(source), .destination = ip(destination), .destinationPort = port, .inputInterface = "eth0"});
      for (nft::DataMap& map : table.maps) map.elements.merge(result.remembered[map.name]);
      return result.text();
    };
    EXPECT_EQ(trace("198.51.100.1"), "dnat to 10.244.0.1:8080, accept");
    slot = 1;
    EXPECT_EQ(trace("198.51.100.1"), "dnat to 10.244.0.1:8080, accept");
    EXPECT_EQ(trace("198.51.100.2"), "dnat to 10.244.0.2:8080, accept");
  }
}

TEST(ProxyRuleset, NobodyIsRememberedWithoutAffinity) {
  nft::Tracer tracer({wholeTable(harbour(), kCidrs)}, {.nodeAddresses = {ip("192.0.2.1")}});
  auto trace = tracer.trace({.source = ip("198.51.100.1"),
                             .destination = ip("192.0.2.1"),
                             .destinationPort = 30080,
                             .inputInterface = "eth0"});
  EXPECT_TRUE(trace.translated);
  EXPECT_TRUE(trace.remembered.empty());
}

TEST(ProxyRuleset, APacketWhoseSlotHasJustGoneTakesTheFirst) {
  nft::Table table = wholeTable(boat(), kCidrs);
  for (nft::DataMap& map : table.maps) map.elements.erase(slotElement(tcp("10.96.0.1", 80), 1).key);
  nft::Tracer tracer({table}, {.nodeAddresses = {}, .random = [](uint32_t modulus) { return modulus - 1; }});
  nft::Packet packet{
      .source = ip("10.244.0.9"), .destination = ip("10.96.0.1"), .destinationPort = 80, .inputInterface = "wh9"};
  EXPECT_EQ(tracer.trace(packet).text(), "dnat to 10.244.0.1:8080, accept");
}

TEST(ProxyRuleset, ReadsAsNftShowsIt) {
  EXPECT_EQ(nft::renderTable(wholeTable(boat(), kCidrs)), R"(table ip wherry_proxy {
	set hairpin {
		type ipv4_addr . ipv4_addr
		elements = { 10.244.0.1 . 10.244.0.1,
			     10.244.0.2 . 10.244.0.2,
			     10.244.0.3 . 10.244.0.3 }
	}

	set elsewhere {
		type ipv4_addr
	}

	set restricted {
		type ipv4_addr . inet_proto . inet_service
	}

	set allowed {
		type ipv4_addr . inet_proto . inet_service . ipv4_addr
		flags interval
	}

	set traffic {
		type ipv4_addr . inet_proto . inet_service . ipv4_addr . inet_service
		size 1000000
		flags dynamic
	}

	set connections {
		type ipv4_addr . inet_proto . inet_service . ipv4_addr . inet_service
		size 1000000
		flags dynamic
	}

	set node {
		type ipv4_addr
		elements = { 10.96.0.10,
			     127.0.0.1,
			     192.0.2.1 }
	}

	set noendpoints {
		type ipv4_addr . inet_proto . inet_service
		elements = { 10.96.0.3 . tcp . 80,
			     10.96.0.3 . udp . 80 }
	}

	set dropped {
		type ipv4_addr . inet_proto . inet_service
	}

	set noendpointnodeports {
		type inet_proto . inet_service
	}

	set outsidedropped {
		type ipv4_addr . inet_proto . inet_service
	}

	set outsidedroppednodeports {
		type inet_proto . inet_service
	}

	set n1 {
		type ipv4_addr . inet_proto . inet_service
		elements = { 10.96.0.2 . udp . 53 }
	}

	set n2 {
		type ipv4_addr . inet_proto . inet_service
		elements = { 10.96.0.1 . tcp . 80 }
	}

	map affinity {
		type ipv4_addr . ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service
		size 1000000
		flags dynamic,timeout
	}

	map slots {
		type ipv4_addr . inet_proto . inet_service . mark : ipv4_addr . inet_service
		elements = { 10.96.0.1 . tcp . 80 . 0x00000000 : 10.244.0.1 . 8080,
			     10.96.0.1 . tcp . 80 . 0x00000001 : 10.244.0.2 . 8080,
			     10.96.0.2 . udp . 53 . 0x00000000 : 10.244.0.3 . 5353 }
	}

	map nodeslots {
		type inet_proto . inet_service . mark : ipv4_addr . inet_service
	}

	map outsideslots {
		type ipv4_addr . inet_proto . inet_service . mark : ipv4_addr . inet_service
	}

	map outsidenodeslots {
		type inet_proto . inet_service . mark : ipv4_addr . inet_service
	}

	chain n1 {
		dnat ip to ip daddr . meta l4proto . th dport . numgen random mod 1 map @slots
	}

	chain n2 {
		dnat ip to ip daddr . meta l4proto . th dport . numgen random mod 2 map @slots
		goto n1
	}

	chain services {
		ip daddr . meta l4proto . th dport @n1 goto n1
		ip daddr . meta l4proto . th dport @n2 goto n2
	}

	chain nodeports {
	}

	chain outside {
	}

	chain outsidenodeports {
	}

	chain remember {
	}

	chain translated {
		jump remember
		ct state new update @connections { ct original ip daddr . meta l4proto . ct original proto-dst . ct reply ip saddr . ct reply proto-src counter }
		update @traffic { ct original ip daddr . meta l4proto . ct original proto-dst . ct reply ip saddr . ct reply proto-src counter }
	}

	chain refuse {
		ct state invalid drop
		meta l4proto tcp reject with tcp reset
		reject
	}

	chain lifesigns {
		type filter hook output priority raw; policy accept;
		meta mark 0x77680001 notrack
	}

	chain admit_prerouting {
		type filter hook prerouting priority dstnat - 10; policy accept;
		ip daddr . meta l4proto . th dport @restricted ip daddr . meta l4proto . th dport . ip saddr != @allowed drop
		ct state new ip saddr != 10.244.0.0/24 ip daddr . meta l4proto . th dport @outsidedropped drop
		ct state new ip saddr != 10.244.0.0/24 fib daddr type local ip daddr != 10.96.0.0/12 meta l4proto . th dport @outsidedroppednodeports drop
	}

	chain admit_output {
		type filter hook output priority -110; policy accept;
		ip daddr . meta l4proto . th dport @restricted ip daddr . meta l4proto . th dport . ip saddr != @allowed drop
	}

	chain prerouting {
		type nat hook prerouting priority dstnat; policy accept;
		dnat ip to ip saddr . ip daddr . meta l4proto . th dport map @affinity
		ip saddr != 10.244.0.0/24 jump outside
		ip saddr != 10.244.0.0/24 fib daddr type local ip daddr != 10.96.0.0/12 jump outsidenodeports
		jump services
		fib daddr type local ip daddr != 10.96.0.0/12 jump nodeports
	}

	chain output {
		type nat hook output priority -100; policy accept;
		dnat ip to ip saddr . ip daddr . meta l4proto . th dport map @affinity
		jump services
		fib daddr type local ip daddr != 10.96.0.0/12 jump nodeports
	}

	chain filter_prerouting {
		type filter hook prerouting priority filter; policy accept;
		iifname != "lo" ct status dnat goto translated
		ip daddr . meta l4proto . th dport @noendpoints goto refuse
		ip daddr . meta l4proto . th dport @dropped drop
		ct state new fib daddr type local ip daddr != 10.96.0.0/12 meta l4proto . th dport @noendpointnodeports goto refuse
		ip daddr 10.244.0.0/24 iifname "lo" goto refuse
		ip daddr 10.96.0.0/12 ip daddr != @node goto refuse
	}

	chain filter_output {
		type filter hook output priority filter; policy accept;
		ct status dnat goto translated
		ip daddr . meta l4proto . th dport @noendpoints goto refuse
		ip daddr . meta l4proto . th dport @dropped drop
		ct state new fib daddr type local ip daddr != 10.96.0.0/12 meta l4proto . th dport @noendpointnodeports goto refuse
		ip daddr 10.244.0.0/24 oifname "lo" goto refuse
		ip daddr 10.96.0.0/12 ip daddr != @node goto refuse
	}

	chain filter_forward {
		type filter hook forward priority filter; policy accept;
		ip daddr 10.244.0.0/24 oifname "lo" goto refuse
	}

	chain postrouting {
		type nat hook postrouting priority srcnat; policy accept;
		ct status dnat ip saddr . ip daddr @hairpin masquerade
		ct status dnat ip saddr 127.0.0.0/8 masquerade
		ct status dnat ip saddr != 10.244.0.0/24 ip daddr @elsewhere masquerade
	}
}
)");
}

TEST(ProxyRuleset, InIpv6IsTheSame) {
  Slots slots;
  Changes ignored;
  Endpoint here = endpoint("fd00:10:244::1", 8080);
  Endpoint there{ip("fd00:10:244:1::1"), 8080, Place::kElsewhere};
  slots.set(tcp("fd00:10:96::1", 80), {here}, ignored);
  slots.set(udp("fd00:10:96::3", 80), {}, ignored);
  slots.set(tcp("fd00:10:96::4", 80), {there}, ignored);
  slots.set(tcp("::", 30080), {here}, ignored);
  Backends members({here});
  members.sources = {*base::IpPrefix::parse("2001:db8:1::/48")};
  slots.set(tcp("2001:db8:ffff::1", 80), members, ignored);
  slots.set(tcp("2001:db8:ffff::2", 80), {there}, ignored);
  Backends nobodyHere;
  nobodyHere.nobody = Backends::Nobody::kAnswers;
  slots.set({ip("2001:db8:ffff::2"), IPPROTO_TCP, 80, Clients::kOutside}, nobodyHere, ignored);
  Cidrs cidrs{.services = base::IpPrefix::parse("fd00:10:96::/108"),
              .pods = base::IpPrefix::parse("fd00:10:244::/64"),
              .nodeAddresses = {ip("2001:db8::1"), ip("fd00:10:96::a")},
              .family = base::IpFamily::kIPv6};
  nft::Tracer tracer({wholeTable(slots, cidrs)}, {.nodeAddresses = {ip("2001:db8::1")}});
  const struct {
    const char* sentence;
    From from;
    ServicePort to;
    const char* expected;
  } cases[] = {
      {"a pod to a cluster IP",
       {"fd00:10:244::9", "wh9"},
       tcp("fd00:10:96::1", 80),
       "dnat to [fd00:10:244::1]:8080, accept"},
      {"a pod to itself",
       {"fd00:10:244::1", "wh1"},
       tcp("fd00:10:96::1", 80),
       "dnat to [fd00:10:244::1]:8080, masquerade, accept"},
      {"the node to a cluster IP",
       {"2001:db8::1", ""},
       tcp("fd00:10:96::1", 80),
       "dnat to [fd00:10:244::1]:8080, accept"},
      {"the node to an endpoint elsewhere",
       {"2001:db8::1", ""},
       tcp("fd00:10:96::4", 80),
       "dnat to [fd00:10:244:1::1]:8080, masquerade, accept"},
      {"a pod to an endpoint elsewhere",
       {"fd00:10:244::9", "wh9"},
       tcp("fd00:10:96::4", 80),
       "dnat to [fd00:10:244:1::1]:8080, accept"},
      {"nobody serves it", {"fd00:10:244::9", "wh9"}, udp("fd00:10:96::3", 80), "reject with icmp port-unreachable"},
      {"no Service has it", {"fd00:10:244::9", "wh9"}, tcp("fd00:10:96::99", 80), "reject with tcp reset"},
      {"the cluster DNS is the node's own", {"fd00:10:244::9", "wh9"}, udp("fd00:10:96::a", 53), "accept"},
      {"a node port from outside",
       {"2001:db8:9::1", "eth0"},
       tcp("2001:db8::1", 30080),
       "dnat to [fd00:10:244::1]:8080, accept"},
      {"a source range",
       {"2001:db8:1::7", "eth0"},
       tcp("2001:db8:ffff::1", 80),
       "dnat to [fd00:10:244::1]:8080, accept"},
      {"out of it", {"2001:db8:2::7", "eth0"}, tcp("2001:db8:ffff::1", 80), "drop"},
      {"policy Local from outside without an endpoint here",
       {"2001:db8:9::1", "eth0"},
       tcp("2001:db8:ffff::2", 80),
       "drop"},
      {"and from a pod",
       {"fd00:10:244::9", "wh9"},
       tcp("2001:db8:ffff::2", 80),
       "dnat to [fd00:10:244:1::1]:8080, accept"},
      {"other addresses are left alone", {"fd00:10:244::9", "wh9"}, tcp("2001:db8:9::1", 80), "accept"},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(tracer
                  .trace({.source = ip(c.from.source),
                          .destination = c.to.ip,
                          .protocol = c.to.protocol,
                          .destinationPort = c.to.port,
                          .inputInterface = c.from.interface})
                  .text(),
              c.expected)
        << c.sentence;
  }
}

}  // namespace
}  // namespace wherry::proxy
