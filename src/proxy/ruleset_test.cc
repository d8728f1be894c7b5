#include "proxy/ruleset.h"

#include <gtest/gtest.h>
#include <netinet/in.h>

#include "linux/nft/render.h"
#include "linux/nft/tracer.h"

namespace wherry::proxy {
namespace {

using linux::Ipv4Address;
namespace nft = linux::nft;

Ipv4Address ip(const char* text) { return *Ipv4Address::parse(text); }
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

const Cidrs kCidrs{.services = linux::Ipv4Prefix::parse("10.96.0.0/12"),
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
	set noendpoints {
		type ipv4_addr . inet_proto . inet_service
		elements = { 10.96.0.3 . tcp . 80,
			     10.96.0.3 . udp . 80 }
	}

	set hairpin {
		type ipv4_addr . ipv4_addr
		elements = { 10.244.0.1 . 10.244.0.1,
			     10.244.0.2 . 10.244.0.2,
			     10.244.0.3 . 10.244.0.3 }
	}

	set node {
		type ipv4_addr
		elements = { 10.96.0.10,
			     192.0.2.1 }
	}

	set n1 {
		type ipv4_addr . inet_proto . inet_service
		elements = { 10.96.0.2 . udp . 53 }
	}

	set n2 {
		type ipv4_addr . inet_proto . inet_service
		elements = { 10.96.0.1 . tcp . 80 }
	}

	map slots {
		type ipv4_addr . inet_proto . inet_service . mark : ipv4_addr . inet_service
		elements = { 10.96.0.1 . tcp . 80 . 0x00000000 : 10.244.0.1 . 8080,
			     10.96.0.1 . tcp . 80 . 0x00000001 : 10.244.0.2 . 8080,
			     10.96.0.2 . udp . 53 . 0x00000000 : 10.244.0.3 . 5353 }
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

	chain refuse {
		ct state invalid drop
		meta l4proto tcp reject with tcp reset
		reject
	}

	chain prerouting {
		type nat hook prerouting priority dstnat; policy accept;
		jump services
	}

	chain output {
		type nat hook output priority -100; policy accept;
		jump services
	}

	chain refuse_prerouting {
		type filter hook prerouting priority filter; policy accept;
		ip daddr . meta l4proto . th dport @noendpoints goto refuse
		ip daddr 10.96.0.0/12 ip daddr != @node goto refuse
	}

	chain refuse_output {
		type filter hook output priority filter; policy accept;
		ip daddr . meta l4proto . th dport @noendpoints goto refuse
		ip daddr 10.96.0.0/12 ip daddr != @node goto refuse
	}

	chain postrouting {
		type nat hook postrouting priority srcnat; policy accept;
		ct status dnat ip saddr . ip daddr @hairpin masquerade
	}
}
)");
}

}  // namespace
}  // namespace wherry::proxy
