// What is read back out of a real kernel. Needs root.
#include "proxy/kernel_reading.h"

#include <gtest/gtest.h>
#include <linux/netlink.h>

#include "linux/nft/batch.h"
#include "linux/scratch_namespace.h"
#include "linux/scratch_sockets.h"
#include "proxy/kernel_table.h"

namespace wherry::proxy {
namespace {

using linux::ScratchNamespace;

const ServicePort kWeb{base::IpAddress::ipv4(0x0a600001), IPPROTO_TCP, 80};  // 10.96.0.1:80/TCP
const ServicePort kNodeWeb{{}, IPPROTO_TCP, 30080};
const Endpoint kFirst{base::IpAddress::ipv4(0x0af40001), 8080};
const Endpoint kSecond{base::IpAddress::ipv4(0x0af40002), 9090};

class KernelReadingTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!ScratchNamespace::allowed()) GTEST_SKIP() << "needs root: it makes network namespaces";
    node.emplace();
  }

  // "<address>:<port> <state> <endpoints> wanted <endpoints>" of each port, with this in the kernel.
  std::string read(const ServiceEndpoints& loaded, const ServiceEndpoints& wanted) const {
    std::string text;
    node->run([&] {
      Slots slots;
      Changes changes;
      for (const auto& [port, backends] : loaded) slots.set(port, backends, changes);
      KernelTable(Cidrs{}).replace(slots);
      text = readAgain(wanted);
    });
    return text;
  }

  static std::string readAgain(const ServiceEndpoints& wanted) {
    std::string text;
    linux::NetlinkSocket socket(NETLINK_NETFILTER);
    for (const PortReading& reading : readPorts(socket, wanted)) {
      text += reading.address + ":" + std::to_string(reading.port) + "/" + reading.protocol + " " +
              stateText(reading.state);
      for (const auto& endpoint : reading.endpoints) text += " " + endpoint;
      text += " wanted";
      for (const auto& endpoint : reading.wanted) text += " " + endpoint;
      text += "\n";
    }
    return text;
  }

  std::optional<ScratchNamespace> node;
};

TEST_F(KernelReadingTest, EndpointsOfAClusterIpAndOfANodePort) {
  ServiceEndpoints both = {{kNodeWeb, {kFirst}}, {kWeb, {kFirst, kSecond}}};
  EXPECT_EQ(read(both, both),
            ":30080/TCP leads 10.244.0.1:8080 wanted 10.244.0.1:8080\n"
            "10.96.0.1:80/TCP leads 10.244.0.1:8080 10.244.0.2:9090 wanted 10.244.0.1:8080 10.244.0.2:9090\n");
}

TEST_F(KernelReadingTest, AnotherEndpointThanWanted) {
  EXPECT_EQ(read({{kWeb, {kFirst}}}, {{kWeb, {kSecond}}}),
            "10.96.0.1:80/TCP leads 10.244.0.1:8080 wanted 10.244.0.2:9090\n");
}

TEST_F(KernelReadingTest, NoEndpointsAreRefusedOrDropped) {
  Backends drops;
  drops.nobody = Backends::Nobody::kAnswers;
  EXPECT_EQ(read({{kWeb, Backends()}}, {{kWeb, Backends()}}), "10.96.0.1:80/TCP refuses wanted\n");
  EXPECT_EQ(read({{kWeb, drops}}, {{kWeb, drops}}), "10.96.0.1:80/TCP drops wanted\n");
}

TEST_F(KernelReadingTest, WhatTheKernelDoesNotKnow) {
  EXPECT_EQ(read({}, {{kWeb, {kFirst}}}), "10.96.0.1:80/TCP unknown wanted 10.244.0.1:8080\n");
  node->run([&] {
    linux::NetlinkSocket socket(NETLINK_NETFILTER);
    linux::nft::Batch batch;
    batch.removeTableIfAny(kTable);
    batch.commit(socket);
    EXPECT_EQ(readAgain({{kWeb, {kFirst}}}), "10.96.0.1:80/TCP unknown wanted 10.244.0.1:8080\n");
  });
}

TEST_F(KernelReadingTest, AnElementThatSomebodyRemoved) {
  ServiceEndpoints web = {{kWeb, {kFirst}}};
  read(web, web);
  node->run([&] {
    linux::NetlinkSocket socket(NETLINK_NETFILTER);
    linux::nft::Batch batch;
    Element size = portElements(kWeb, Backends({kFirst})).front().first;
    batch.deleteElement(kTable, size.set, size.key);
    batch.commit(socket);
    EXPECT_EQ(readAgain(web), "10.96.0.1:80/TCP torn 10.244.0.1:8080 wanted 10.244.0.1:8080\n");
  });
}

}  // namespace
}  // namespace wherry::proxy
