// Zones in motion: after any sequence of changes a zone is as if it were made anew.
#include "clusterdns/zone.h"

#include <map>
#include <random>
#include <set>

#include <gtest/gtest.h>

#include "dns/record.h"
#include "json/yaml.h"

namespace wherry::clusterdns {
namespace {

const dns::Name kDomain = dns::Name::of("cluster.local.");

// A headless Service with these endpoints, the last byte of 10.0.0.x each.
ServiceRecordsPtr recordsOf(const std::string& name, const std::set<int>& endpoints) {
  json::Array list;
  for (int endpoint : endpoints) {
    list.push_back(json::Value{{"addresses", json::Array{json::Value("10.0.0." + std::to_string(endpoint))}}});
  }
  json::Value slice = {{"endpoints", list}};
  json::Value service = {{"metadata", {{"name", name}, {"namespace", "a"}}}, {"spec", {{"clusterIP", "None"}}}};
  return renderService(kDomain, service, {std::make_shared<meta::Object>(slice)});
}

TEST(ZoneTest, RandomChangesLeaveWhatIsThere) {
  std::mt19937 random(7);
  ZoneBuilder builder(kDomain);
  std::map<std::string, std::set<int>> services;
  auto held = builder.snapshot();
  uint32_t serial = held->serial();
  for (int step = 0; step < 2000; ++step) {
    std::string name = "s" + std::to_string(random() % 40);
    if (random() % 4 == 0) {
      services.erase(name);
      builder.setService("a", name, nullptr);
    } else {
      std::set<int>& endpoints = services[name];
      for (int i = 0; i < 3; ++i) {
        int endpoint = static_cast<int>(random() % 50);
        if (!endpoints.erase(endpoint)) endpoints.insert(endpoint);
      }
      builder.setService("a", name, recordsOf(name, endpoints));
    }
    auto zone = builder.snapshot();
    ASSERT_GT(zone->serial(), serial);
    serial = zone->serial();
    if (step % 20 != 0) continue;
    std::map<int, std::set<std::string>> named;
    for (int i = 0; i < 40; ++i) {
      std::string service = "s" + std::to_string(i);
      auto at = services.find(service);
      const ServiceRecords* found = zone->findService("a", service);
      ASSERT_EQ(found != nullptr, at != services.end()) << service;
      if (!found) continue;
      ASSERT_EQ(found->addresses4().size(), at->second.size());
      for (int endpoint : at->second) {
        EXPECT_TRUE(found->addresses4().contains(std::string("\x0a\0\0", 3) + static_cast<char>(endpoint)));
        named[endpoint].insert(*found->owner);
      }
    }
    for (int endpoint = 0; endpoint < 50; ++endpoint) {
      std::set<std::string> reverse;
      for (const auto& entry : zone->findReverse(std::string("\x0a\0\0", 3) + static_cast<char>(endpoint))) {
        EXPECT_TRUE(reverse.insert(*entry.service).second);
      }
      EXPECT_EQ(reverse, named[endpoint]) << endpoint;
    }
  }
  EXPECT_EQ(held->findService("a", "s1"), nullptr) << "an old zone stays as it is";
}

TEST(ZoneTest, TheSerialIsTheRevisionAndNeverGoesBack) {
  ZoneBuilder builder(kDomain);
  EXPECT_EQ(builder.snapshot(100)->serial(), 100u);
  EXPECT_EQ(builder.snapshot(100)->serial(), 101u);
  EXPECT_EQ(builder.snapshot(90)->serial(), 102u);
  EXPECT_EQ(builder.snapshot(200)->serial(), 200u);
  // RFC 1982: beyond 32 bits it begins anew.
  EXPECT_EQ(builder.snapshot((int64_t{1} << 31) - 1)->serial(), (1u << 31) - 1);
  EXPECT_EQ(builder.snapshot((int64_t{1} << 32) - 2)->serial(), 4294967294u);
  EXPECT_EQ(builder.snapshot((int64_t{1} << 32) + 5)->serial(), 5u);
}

// "ab"."c" and "a"."bc" are different Services, and so are those whose names one could mistake.
TEST(ZoneTest, NamesAreNotMixedUp) {
  ZoneBuilder builder(kDomain);
  json::Value service = json::parseYaml("{metadata: {name: c, namespace: ab}, spec: {clusterIP: 10.96.0.9}}");
  builder.setService("ab", "c", renderService(kDomain, service, {}));
  auto zone = builder.snapshot();
  EXPECT_TRUE(zone->findService("ab", "c"));
  EXPECT_FALSE(zone->findService("b", "ca"));
  EXPECT_FALSE(zone->findService("c", "ab"));
  EXPECT_FALSE(zone->findService("", ""));
  std::string mapped = std::string(10, '\0') + "\xff\xff\x0a\x60" + std::string(1, '\0') + "\x09";
  EXPECT_TRUE(zone->findReverse(mapped).empty()) << "v6 names of v4 addresses are nobody's";
}

}  // namespace
}  // namespace wherry::clusterdns
