#include "ingress/section_servers.h"

#include <algorithm>
#include <ctime>

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace wherry::ingress {
namespace {

// So many sections, each with a Service of its own that has an endpoint; the last one leads to the first's, too.
struct World {
  explicit World(int count) {
    for (int i = 0; i < count; ++i) {
      std::string service = fmt::format("web-{}", i);
      Section section{fmt::format("shop:{}:http", service), {}, {}, {}};
      section.backend.shares = {{{"shop", service, "http"}, 1}};
      if (i == count - 1) section.backend.shares.push_back({{"shop", "web-0", "http"}, 1});
      endpoints[service] = {{"10.0.0.1", 80, service}};
      sections[section.name] = std::move(section);
    }
    servers.set(sections, servers.placeAll(sections));
    looked = 0;
  }

  Sections sections;
  std::map<std::string, std::vector<Endpoint>> endpoints;
  int looked = 0;
  SectionServers servers{[this](const ServicePort& port, std::optional<base::IpFamily>) {
    ++looked;
    return endpoints[port.service];
  }};
};

std::string namesOf(const ServersBySection& servers) {
  std::string names;
  for (const auto& [name, places] : servers) names += name + " ";
  return names;
}

TEST(SectionServers, AChangeOfAServiceTouchesTheSectionsThatLeadToIt) {
  World world(3);
  world.endpoints["web-0"] = {{"10.0.0.2", 80, "new"}};
  auto changes = world.servers.placeChanged(world.sections, {"shop/web-0", "shop/nobody"});
  EXPECT_EQ(namesOf(changes), "shop:web-0:http shop:web-2:http ");
  EXPECT_TRUE(world.servers.haveRoomFor(changes));
  world.servers.update(std::move(changes));
  EXPECT_EQ(namesOf(world.servers.placeChanged(world.sections, {"shop/web-0"})), "");
  EXPECT_EQ(namesOf(world.servers.differing(world.servers.placeAll(world.sections))), "");
}

TEST(SectionServers, MoreEndpointsThanPlacesNeedRoom) {
  World world(2);
  for (int i = 0; i < 20; ++i) world.endpoints["web-0"].push_back({"10.0.0.3", static_cast<uint16_t>(i + 1), "x"});
  EXPECT_FALSE(world.servers.haveRoomFor(world.servers.placeChanged(world.sections, {"shop/web-0"})));
}

TEST(SectionServers, NewSectionsAreKnownByTheirServices) {
  World world(2), other(3);
  world.servers.set(other.sections, world.servers.placeAll(other.sections));
  world.endpoints["web-2"] = {{"10.0.0.9", 80, "x"}};
  EXPECT_EQ(namesOf(world.servers.placeChanged(other.sections, {"shop/web-2"})), "shop:web-2:http ");
  world.servers.clear();
  EXPECT_EQ(namesOf(world.servers.placeChanged({}, {"shop/web-2"})), "");
}

// CPU seconds of this thread for so many changes.
double costOf(World& world, int changes) {
  timespec before{}, after{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &before);
  for (int i = 0; i < changes; ++i) {
    world.endpoints["web-1"] = {{"10.0.1.1", static_cast<uint16_t>(i + 1), "x"}};
    auto moved = world.servers.placeChanged(world.sections, {"shop/web-1"});
    EXPECT_EQ(moved.size(), 1U);
    world.servers.update(std::move(moved));
  }
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &after);
  return static_cast<double>(after.tv_sec - before.tv_sec) + static_cast<double>(after.tv_nsec - before.tv_nsec) / 1e9;
}

TEST(SectionServers, AChangeCostsTheSameWhateverElseThereIs) {
  constexpr int kChanges = 300;
  World few(3), many(1000);
  const double small = costOf(few, kChanges), large = costOf(many, kChanges);
  EXPECT_EQ(many.looked, kChanges);
  // Where all servers are copied for each it is more than a hundred times as much.
  EXPECT_LT(large, small * 10);
}

}  // namespace
}  // namespace wherry::ingress
