#include "network/host_ports.h"

#include <gtest/gtest.h>
#include <netinet/in.h>

#include "linux/nft/render.h"
#include "linux/nft/tracer.h"

namespace wherry::network {
namespace {

namespace nft = linux::nft;

base::IpAddress ip(const char* text) { return *base::IpAddress::parse(text); }
HostPort port(const char* line) { return *parseHostPort(line); }

const PodPortsBySandbox kOpen = {
    {"web", {{ip("10.244.0.7")}, {port("tcp 0.0.0.0:8080 80"), port("udp 0.0.0.0:53 5353")}}},
    {"local", {{ip("10.244.0.8")}, {port("tcp 127.0.0.1:9090 90"), port("sctp 192.0.2.2:7000 70")}}}};

const auto kClusterIps = base::IpPrefix::parse("10.96.0.0/12");

struct Case {
  const char* name;
  const char* source;
  const char* interface;  // "" for the node
  uint8_t protocol;
  const char* destination;
  uint16_t port;
  const char* expected;
};

TEST(HostPorts, LeadWhoeverReachesTheNodeToThePod) {
  nft::Tracer tracer({hostPortTable(kOpen, kClusterIps)},
                     {.nodeAddresses = {ip("192.0.2.2"), ip("10.96.0.10"), ip("127.0.0.1")}});
  const Case cases[] = {
      {"the world to the node", "198.51.100.1", "eth0", IPPROTO_TCP, "192.0.2.2", 8080,
       "dnat to 10.244.0.7:80, accept"},
      {"another pod to the node", "10.244.0.9", "wh1", IPPROTO_TCP, "192.0.2.2", 8080, "dnat to 10.244.0.7:80, accept"},
      {"the pod itself, which gets the node's address to answer to", "10.244.0.7", "wh0", IPPROTO_TCP, "192.0.2.2",
       8080, "dnat to 10.244.0.7:80, masquerade, accept"},
      {"the node to itself", "192.0.2.2", "", IPPROTO_TCP, "192.0.2.2", 8080, "dnat to 10.244.0.7:80, accept"},
      {"the node by loopback, under an address that can be answered", "127.0.0.1", "", IPPROTO_TCP, "127.0.0.1", 8080,
       "dnat to 10.244.0.7:80, masquerade, accept"},
      {"UDP by its own number", "198.51.100.1", "eth0", IPPROTO_UDP, "192.0.2.2", 53,
       "dnat to 10.244.0.7:5353, accept"},
      {"SCTP at its own address", "198.51.100.1", "eth0", IPPROTO_SCTP, "192.0.2.2", 7000,
       "dnat to 10.244.0.8:70, accept"},
      {"a hostIP of loopback for the node", "127.0.0.1", "", IPPROTO_TCP, "127.0.0.1", 9090,
       "dnat to 10.244.0.8:90, masquerade, accept"},
      {"a hostIP is not for other addresses", "198.51.100.1", "eth0", IPPROTO_TCP, "192.0.2.2", 9090, "accept"},
      {"another protocol is not meant", "198.51.100.1", "eth0", IPPROTO_UDP, "192.0.2.2", 8080, "accept"},
      {"a port of somebody else on the way through", "10.244.0.9", "wh1", IPPROTO_TCP, "198.51.100.1", 8080, "accept"},
      {"cluster DNS keeps its port although it is an address of the node", "10.244.0.9", "wh1", IPPROTO_UDP,
       "10.96.0.10", 53, "accept"},
      {"loopback addresses from outside go nowhere", "198.51.100.1", "eth0", IPPROTO_TCP, "127.0.0.1", 8080, "drop"},
  };
  for (const Case& c : cases) {
    auto trace = tracer.trace({.source = ip(c.source),
                               .destination = ip(c.destination),
                               .protocol = c.protocol,
                               .destinationPort = c.port,
                               .inputInterface = *c.interface ? c.interface : ""});
    EXPECT_EQ(trace.text(), c.expected) << c.name;
  }
}

TEST(HostPorts, ConflictByTheSchedulersRule) {
  auto conflict = [](const char* line) { return findPortConflict(kOpen, "new", {port(line)}).value_or("none"); };
  EXPECT_EQ(conflict("tcp 0.0.0.0:8080 80"), "web");
  EXPECT_EQ(conflict("tcp 192.0.2.2:8080 80"), "web");
  EXPECT_EQ(conflict("tcp 0.0.0.0:9090 80"), "local");
  EXPECT_EQ(conflict("tcp 192.0.2.2:9090 80"), "none");
  EXPECT_EQ(conflict("udp 0.0.0.0:8080 80"), "none");
  EXPECT_FALSE(findPortConflict(kOpen, "web", {port("tcp 0.0.0.0:8080 81")})) << "a sandbox is not in its own way";
}

TEST(HostPorts, AreReadAsTheyAreWritten) {
  for (const char* line : {"tcp 0.0.0.0:8080 80", "udp 127.0.0.1:53 5353", "sctp 192.0.2.2:65535 1"}) {
    EXPECT_EQ(renderHostPort(port(line)), line);
  }
  for (const char* line : {"", "tcp", "tcp 0.0.0.0:80", "icmp 0.0.0.0:1 1", "tcp 0.0.0.0:70000 1", "tcp x:1 1"}) {
    EXPECT_FALSE(parseHostPort(line)) << line;
  }
}

TEST(HostPorts, OfPodsWithBothFamiliesAreOpenInBoth) {
  const PodPortsBySandbox open = {
      {"web", {{ip("10.244.0.7"), ip("fd00:10:244::7")}, {port("tcp 0.0.0.0:8080 80"), port("tcp [::]:8081 81")}}},
      {"old", {{ip("10.244.0.8")}, {port("tcp 0.0.0.0:9090 90")}}}};
  nft::Tracer tracer({hostPortTable(open, {}), hostPortTable(open, {}, base::IpFamily::kIPv6)},
                     {.nodeAddresses = {ip("192.0.2.2"), ip("2001:db8::2")}});
  const struct {
    const char *source, *destination;
    uint16_t port;
    const char* expected;
  } cases[] = {{"198.51.100.1", "192.0.2.2", 8080, "dnat to 10.244.0.7:80, accept"},
               {"2001:db8:9::1", "2001:db8::2", 8080, "dnat to [fd00:10:244::7]:80, accept"},
               {"198.51.100.1", "192.0.2.2", 8081, "accept"},
               {"2001:db8:9::1", "2001:db8::2", 8081, "dnat to [fd00:10:244::7]:81, accept"},
               {"198.51.100.1", "192.0.2.2", 9090, "dnat to 10.244.0.8:90, accept"},
               {"2001:db8:9::1", "2001:db8::2", 9090, "accept"}};
  for (const auto& c : cases) {
    auto trace = tracer.trace({.source = ip(c.source),
                               .destination = ip(c.destination),
                               .destinationPort = c.port,
                               .inputInterface = "eth0"});
    EXPECT_EQ(trace.text(), c.expected) << c.destination << " " << c.port;
  }
  EXPECT_EQ(renderHostPort(port("udp [fd00::1]:53 5353")), "udp [fd00::1]:53 5353");
}

}  // namespace
}  // namespace wherry::network
