#include "ingress/servers.h"

#include <gtest/gtest.h>

namespace wherry::ingress {
namespace {

const ServicePort kWeb{"default", "web", "http"}, kCanary{"default", "canary", "http"};
const Endpoint kA{"10.0.0.1", 80, "web-0"}, kB{"10.0.0.2", 80, "web-1"}, kC{"10.0.0.3", 80, "web-2"};

Backend sharing(std::vector<Share> shares) {
  Backend backend;
  backend.shares = std::move(shares);
  return backend;
}

std::string text(const std::vector<Server>& servers) {
  std::string text;
  for (const Server& server : servers) text += server.endpoint.address + "=" + std::to_string(server.weight) + " ";
  return text;
}

TEST(Servers, EndpointsOfOneServiceAreEqual) {
  EXPECT_EQ(text(wantedServers(sharing({{kWeb, 7}}), {{kWeb, {kA, kB}}})), "10.0.0.1=1 10.0.0.2=1 ");
}

TEST(Servers, WeightsAreOfServicesNotOfEndpoints) {
  // 90 to 10, whatever the number of pods.
  EXPECT_EQ(text(wantedServers(sharing({{kWeb, 90}, {kCanary, 10}}), {{kWeb, {kA, kB}}, {kCanary, {kC}}})),
            "10.0.0.1=256 10.0.0.2=256 10.0.0.3=57 ");
  EXPECT_EQ(text(wantedServers(sharing({{kWeb, 1}, {kCanary, 0}}), {{kWeb, {kA}}, {kCanary, {kC}}})), "10.0.0.1=1 ");
  EXPECT_EQ(text(wantedServers(sharing({{kWeb, 1}, {kCanary, 1}}), {{kCanary, {kC}}})), "10.0.0.3=1 ");
}

TEST(Servers, WhoStaysKeepsItsPlaceAndEmptyPlacesComeFirst) {
  Servers places = placeServers({}, {{kA, 1}, {kB, 1}});
  ASSERT_EQ(places.size(), 4U);
  Servers after = placeServers(places, {{kB, 1}, {kC, 1}});
  EXPECT_FALSE(after[0]);
  EXPECT_EQ(after[1]->endpoint, kB);
  EXPECT_EQ(after[2]->endpoint, kC);
  EXPECT_EQ(after.size(), 4U);
}

TEST(Servers, ThereIsRoomForMoreWhenTheyDontFit) {
  std::vector<Server> many;
  for (uint16_t port = 1; port <= 10; ++port) many.push_back({{"10.0.0.1", port, ""}, 1});
  EXPECT_EQ(placeServers(Servers(2), many).size(), 15U);
}

TEST(Servers, CommandsMoveWhoGoesOutOfTheWayFirst) {
  Servers before = {Server{kA, 1}, Server{kB, 1}, std::nullopt};
  Servers after = {Server{kC, 1}, Server{kB, 5}, std::nullopt};
  EXPECT_EQ(serverCommands("b", before, after),
            (std::vector<std::string>{"set server b/s1 state maint", "set server b/s1 addr 10.0.0.3 port 80",
                                      "set server b/s1 weight 1", "set server b/s1 state ready",
                                      "set server b/s2 weight 5"}));
  EXPECT_EQ(serverCommands("b", before, {Server{kA, 1}, std::nullopt, std::nullopt}),
            (std::vector<std::string>{"set server b/s2 state maint"}));
  EXPECT_TRUE(serverCommands("b", before, before).empty());
  // Never none between the only one and the next.
  EXPECT_EQ(serverCommands("b", {Server{kA, 1}, std::nullopt}, {std::nullopt, Server{kB, 1}}),
            (std::vector<std::string>{"set server b/s2 addr 10.0.0.2 port 80", "set server b/s2 weight 1",
                                      "set server b/s2 state ready", "set server b/s1 state maint"}));
}

TEST(Servers, PodsAreFoundByNameAndOrdinal) {
  EXPECT_EQ(podKeys("b", {std::nullopt, Server{kB, 1}}),
            (std::map<std::string, std::string>{{"b/1", "s2"}, {"b/web-1", "s2"}}));
}

}  // namespace
}  // namespace wherry::ingress
