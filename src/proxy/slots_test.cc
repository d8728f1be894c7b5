#include "proxy/slots.h"

#include <gtest/gtest.h>
#include <netinet/in.h>

#include "base/strings.h"
#include "linux/nft/render.h"

namespace wherry::proxy {
namespace {

using base::IpAddress;
using linux::nft::FieldType;

const ServicePort kWeb{base::IpAddress::ipv4(0x0a600001), IPPROTO_TCP, 80};  // 10.96.0.1:80/TCP

// Endpoints 10.244.0.<last> at port 8080, sorted.
std::vector<Endpoint> endpoints(std::initializer_list<uint32_t> last) {
  std::vector<Endpoint> out;
  for (uint32_t host : last) out.push_back({base::IpAddress::ipv4(0x0af40000 + host), 8080});
  return out;
}

std::string slotText(const std::vector<Endpoint>& slots) {
  std::vector<std::string> hosts;
  for (const Endpoint& endpoint : slots) hosts.push_back(std::to_string(endpoint.ip.ipv4Value() & 255));
  return base::join(hosts, " ");
}

std::string elementText(const Element& element) {
  linux::nft::Type type = {FieldType::kAddress, FieldType::kProtocol, FieldType::kPort};
  if (element.set.find("node") != std::string::npos) type.erase(type.begin());
  if (element.set.ends_with("slots")) type.push_back(FieldType::kNumber);
  if (element.set == "allowed") type.push_back(FieldType::kAddress);
  if (element.set == "elsewhere") type = {FieldType::kAddress};
  if (element.set == "hairpin") type = {FieldType::kAddress, FieldType::kAddress};
  return element.set + " " + renderData(type, element.key);
}

// "delete n1 10.96.0.1 . tcp . 80; add ..."
std::string text(const Changes& changes) {
  std::string out;
  for (const auto& [element, change] : changes.elements()) {
    if (change.before) out += "delete " + elementText(element) + "\n";
    if (!change.after) continue;
    out += "add " + elementText(element);
    if (element.set == "allowed") {
      out +=
          " : to " + renderData({FieldType::kAddress}, linux::nft::Data::fromBytes(element.last->bytes().substr(12)));
    } else if (!change.after->bytes().empty()) {
      out += " : " + renderData({FieldType::kAddress, FieldType::kPort}, *change.after);
    }
    out += "\n";
  }
  return out;
}

struct Placing {
  const char* what;
  std::vector<Endpoint> before, wanted;
  const char* slots;
};

TEST(Slots, EndpointsMoveAsLittleAsCanBe) {
  for (const Placing& c : {
           Placing{"the first endpoints stand in order", {}, endpoints({1, 2, 3}), "1 2 3"},
           Placing{"a new endpoint comes last", endpoints({1, 3}), endpoints({1, 2, 3}), "1 3 2"},
           Placing{"the last takes the place of one that goes", endpoints({1, 2, 3}), endpoints({2, 3}), "3 2"},
           Placing{"the last one goes by itself", endpoints({1, 2, 3}), endpoints({1, 2}), "1 2"},
           Placing{"a new one takes the place of one that goes", endpoints({1, 2, 3}), endpoints({1, 3, 4}), "1 4 3"},
           Placing{"all but the middle go", endpoints({1, 2, 3}), endpoints({2}), "2"},
           Placing{"all go", endpoints({1, 2, 3}), {}, ""},
           Placing{"all are replaced by fewer", endpoints({1, 2, 3}), endpoints({4, 5}), "4 5"},
           Placing{"nothing changes", endpoints({1, 2}), endpoints({1, 2}), "1 2"},
       }) {
    EXPECT_EQ(slotText(placeEndpoints(c.before, c.wanted)), c.slots) << c.what;
  }
}

TEST(Slots, AFirstEndpointEndsTheRefusal) {
  Slots slots;
  Changes empty, first;
  slots.set(kWeb, {}, empty);
  EXPECT_EQ(text(empty), "add noendpoints 10.96.0.1 . tcp . 80\n");
  slots.set(kWeb, endpoints({1}), first);
  EXPECT_EQ(text(first),
            "add hairpin 10.244.0.1 . 10.244.0.1\n"
            "add n1 10.96.0.1 . tcp . 80\n"
            "delete noendpoints 10.96.0.1 . tcp . 80\n"
            "add slots 10.96.0.1 . tcp . 80 . 0x00000000 : 10.244.0.1 . 8080\n");
}

TEST(Slots, AnEndpointThatGoesTouchesTwoSlotsAtMost) {
  Slots slots;
  Changes ignored, change;
  slots.set(kWeb, endpoints({1, 2, 3, 4}), ignored);
  slots.set(kWeb, endpoints({2, 3, 4}), change);
  EXPECT_EQ(text(change),
            "delete hairpin 10.244.0.1 . 10.244.0.1\n"
            "add n3 10.96.0.1 . tcp . 80\n"
            "delete n4 10.96.0.1 . tcp . 80\n"
            "delete slots 10.96.0.1 . tcp . 80 . 0x00000000\n"
            "add slots 10.96.0.1 . tcp . 80 . 0x00000000 : 10.244.0.4 . 8080\n"
            "delete slots 10.96.0.1 . tcp . 80 . 0x00000003\n");
}

TEST(Slots, ARemovedPortLeavesNothing) {
  Slots slots;
  Changes both;
  slots.set(kWeb, endpoints({1, 2}), both);
  slots.remove(kWeb, both);
  EXPECT_EQ(text(both), "");
  EXPECT_EQ(slots.find(kWeb), nullptr);
}

TEST(Slots, ChangesWithinOneTransactionAreJoined) {
  Slots slots;
  Changes ignored, change;
  slots.set(kWeb, endpoints({1, 2}), ignored);
  slots.set(kWeb, {}, change);
  slots.set(kWeb, endpoints({1, 2}), change);
  EXPECT_EQ(text(change), "");
}

TEST(Slots, AnAddressThatTwoServicesUseIsAHairpinUntilBothAreGone) {
  Slots slots;
  Changes ignored, one, two;
  ServicePort other{base::IpAddress::ipv4(0x0a600002), IPPROTO_TCP, 80};
  slots.set(kWeb, endpoints({1}), ignored);
  slots.set(other, endpoints({1}), ignored);
  slots.remove(kWeb, one);
  EXPECT_EQ(text(one).find("hairpin"), std::string::npos);
  slots.remove(other, two);
  EXPECT_NE(text(two).find("delete hairpin 10.244.0.1 . 10.244.0.1"), std::string::npos);
}

TEST(Slots, ANodePortHasNoAddress) {
  Slots slots;
  Changes one, none;
  slots.set({{}, IPPROTO_TCP, 30080}, endpoints({1}), one);
  EXPECT_EQ(text(one),
            "add hairpin 10.244.0.1 . 10.244.0.1\n"
            "add nodeport1 tcp . 30080\n"
            "add nodeslots tcp . 30080 . 0x00000000 : 10.244.0.1 . 8080\n");
  slots.set({{}, IPPROTO_TCP, 30080}, {}, none);
  EXPECT_NE(text(none).find("add noendpointnodeports tcp . 30080\n"), std::string::npos);
}

TEST(Slots, PoliciesThatChangeTouchNoEndpoint) {
  Slots slots;
  Changes ignored, change, back;
  Backends backends(endpoints({1, 2}));
  slots.set(kWeb, backends, ignored);
  backends.affinity = std::chrono::duration<uint32_t>(60);
  backends.sources = {*base::IpPrefix::parse("192.0.2.0/24")};
  slots.set(kWeb, backends, change);
  EXPECT_EQ(text(change),
            "add affine60 10.96.0.1 . tcp . 80\n"
            "add allowed 10.96.0.1 . tcp . 80 . 192.0.2.0 : to 192.0.2.255\n"
            "add restricted 10.96.0.1 . tcp . 80\n");
  slots.set(kWeb, endpoints({1, 2}), back);
  EXPECT_EQ(text(back),
            "delete affine60 10.96.0.1 . tcp . 80\n"
            "delete allowed 10.96.0.1 . tcp . 80 . 192.0.2.0\n"
            "delete restricted 10.96.0.1 . tcp . 80\n");
}

TEST(Slots, WhatNobodyAnswersIsRefusedOrDropped) {
  Slots slots;
  Changes dropped, refused, outside;
  Backends none;
  none.nobody = Backends::Nobody::kAnswers;
  slots.set(kWeb, none, dropped);
  EXPECT_EQ(text(dropped), "add dropped 10.96.0.1 . tcp . 80\n");
  slots.set(kWeb, {}, refused);
  EXPECT_EQ(text(refused), "delete dropped 10.96.0.1 . tcp . 80\nadd noendpoints 10.96.0.1 . tcp . 80\n");
  slots.set({kWeb.ip, IPPROTO_TCP, 80, Clients::kOutside}, none, outside);
  EXPECT_EQ(text(outside), "add outsidedropped 10.96.0.1 . tcp . 80\n");
}

TEST(Slots, AnAddressElsewhereIsNotedWhileAPortHasIt) {
  Slots slots;
  Changes there, gone;
  slots.set(kWeb, {{base::IpAddress::ipv4(0x0af40101), 80, Place::kElsewhere}}, there);
  EXPECT_NE(text(there).find("add elsewhere 10.244.1.1\n"), std::string::npos);
  slots.set(kWeb, {{base::IpAddress::ipv4(0x0af40101), 80, Place::kHere}}, gone);
  EXPECT_EQ(text(gone), "delete elsewhere 10.244.1.1\n");
}

TEST(Slots, EndpointsBeyondTheThousandthGetNoSlot) {
  Slots slots;
  Changes ignored;
  std::vector<Endpoint> many;
  for (uint32_t host = 0; host < 1500; ++host) many.push_back({base::IpAddress::ipv4(0x0af40000 + host), 80});
  slots.set(kWeb, many, ignored);
  EXPECT_EQ(slots.find(kWeb)->endpoints.size(), kMaxSlots);
}

}  // namespace
}  // namespace wherry::proxy
