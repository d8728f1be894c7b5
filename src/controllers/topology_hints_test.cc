#include "controllers/topology_hints.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/strings.h"
#include "controllers/test_objects.h"

namespace wherry::controllers {
namespace {

struct Case {
  const char* what;
  const char* endpoints;  // zones of ready endpoints; "a>b": in a, and meant for b so far; "-": without a zone
  ZoneShares shares;
  const char* expected;  // for which zones they are meant, or why there are no hints
};

const ZoneShares kEqual = {{"a", 0.5}, {"b", 0.5}};
const ZoneShares kThirds = {{"a", 1.0 / 3}, {"b", 1.0 / 3}, {"c", 1.0 / 3}};

const Case kCases[] = {
    {"each zone keeps what it has, where it has its share", "a b a b", kEqual, "a b a b"},
    {"who has too many gives", "a a a b", kEqual, "b a a b"},
    {"all in one zone", "a a a a a a", kThirds, "b b c c a a"},
    {"a zone that has no CPUs keeps its endpoints", "a a b z", kEqual, "a a b z"},
    {"what was given before stays given", "a a>b a b", kEqual, "a b a b"},
    {"... until its zone has too many", "a a>b a>b a>b b b", kEqual, "a a a b b b"},
    {"a former zone that is gone counts for nothing", "a>z b", kEqual, "a b"},
    {"one zone, or nodes without zone",
     "a b",
     {},
     "Insufficient Node information: allocatable CPU or zone not specified on one or more nodes"},
    {"less endpoints than zones", "a b", kThirds, "Insufficient number of endpoints (2 endpoints, 3 zones)"},
    {"an overload of more than a fifth", "a a a b", {{"a", 0.51}, {"b", 0.49}}, "b a a b"},
    {"... that can't be helped", "a a b", kEqual,
     "Unable to allocate minimum required endpoints to each zone without exceeding overload threshold (3 endpoints, 2 "
     "zones)"},
    {"an endpoint without a zone", "a - b b", kEqual, "One or more endpoints do not have a zone specified"},
};

std::vector<ZonedEndpoint> parse(std::string_view text) {
  std::vector<ZonedEndpoint> endpoints;
  for (auto word : base::split(text, ' ')) {
    const auto parts = base::splitOnce(word, '>');
    const std::string zone(parts ? parts->first : word);
    endpoints.push_back({zone == "-" ? "" : zone, parts ? std::string(parts->second) : ""});
  }
  return endpoints;
}

TEST(TopologyHints, GiveZonesEndpointsByTheirCpus) {
  for (const Case& c : kCases) {
    const auto allotment = allotZones(parse(c.endpoints), c.shares);
    const auto text =
        allotment.trouble.empty() ? fmt::format("{}", fmt::join(allotment.zones, " ")) : allotment.trouble;
    EXPECT_EQ(text, c.expected) << c.what;
  }
}

TEST(TopologyHints, StayAsTheyAreWhenNothingChanges) {
  for (const Case& c : kCases) {
    auto endpoints = parse(c.endpoints);
    const auto once = allotZones(endpoints, c.shares).zones;
    for (size_t i = 0; i < once.size(); ++i) endpoints[i].before = once[i];
    EXPECT_EQ(allotZones(endpoints, c.shares).zones, once) << c.what;
  }
}

std::string shares(const char* nodes) {
  std::string text;
  for (const auto& [zone, share] : zoneShares(objectsOf<core_v1::Node>(nodes))) {
    text += fmt::format("{}:{:.2f} ", zone, share);
  }
  return text;
}

TEST(TopologyHints, SharesAreOfNodesThatArePartOfTheTraffic) {
  EXPECT_EQ(shares(R"(
metadata: {name: one, labels: {topology.kubernetes.io/zone: a}}
status: {allocatable: {cpu: '3'}, conditions: [{type: Ready, status: 'True'}]}
---
metadata: {name: two, labels: {topology.kubernetes.io/zone: b}}
status: {allocatable: {cpu: 500m}, conditions: [{type: Ready, status: 'True'}]}
---
metadata: {name: three, labels: {topology.kubernetes.io/zone: b}}
status: {allocatable: {cpu: 500m}, conditions: [{type: Ready, status: 'True'}]}
---
metadata: {name: down, labels: {topology.kubernetes.io/zone: b}}
status: {allocatable: {cpu: '8'}, conditions: [{type: Ready, status: Unknown}]}
---
metadata: {name: head, labels: {node-role.kubernetes.io/control-plane: ''}}
status: {allocatable: {cpu: '8'}, conditions: [{type: Ready, status: 'True'}]}
)"),
            "a:0.75 b:0.25 ");
  EXPECT_EQ(shares(R"(
metadata: {name: one, labels: {topology.kubernetes.io/zone: a}}
status: {allocatable: {cpu: '3'}, conditions: [{type: Ready, status: 'True'}]}
---
metadata: {name: nowhere}
status: {allocatable: {cpu: '3'}, conditions: [{type: Ready, status: 'True'}]}
---
metadata: {name: two, labels: {topology.kubernetes.io/zone: b}}
status: {allocatable: {cpu: '3'}, conditions: [{type: Ready, status: 'True'}]}
)"),
            "");
  EXPECT_EQ(
      shares("{metadata: {name: one, labels: {topology.kubernetes.io/zone: a}}, status: {allocatable: {cpu: 3}}}"), "");
}

std::string hintsOf(const char* distribution, std::string_view zone, std::string_view node) {
  const core_v1::Service service(objectOf(fmt::format("spec: {{trafficDistribution: {}}}", distribution)));
  return json::serialize(json::Value(placeHints(service, zone, node)));
}

TEST(TopologyHints, OfTrafficDistributionAreTheEndpointsOwnPlace) {
  EXPECT_EQ(hintsOf("PreferClose", "a", "one"), R"({"forZones":[{"name":"a"}]})");
  EXPECT_EQ(hintsOf("PreferSameZone", "a", "one"), R"({"forZones":[{"name":"a"}]})");
  EXPECT_EQ(hintsOf("PreferSameZone", "", "one"), "{}");
  EXPECT_EQ(hintsOf("PreferSameNode", "a", "one"), R"({"forZones":[{"name":"a"}],"forNodes":[{"name":"one"}]})");
  EXPECT_EQ(hintsOf("PreferSameNode", "", "one"), R"({"forNodes":[{"name":"one"}]})");
  EXPECT_EQ(hintsOf("''", "a", "one"), "{}");
}

TEST(TopologyHints, AnAnnotationAsksForShares) {
  const auto wants = [](const char* annotations) {
    return wantsZoneShares(core_v1::Service(objectOf(fmt::format("metadata: {{annotations: {}}}", annotations))));
  };
  EXPECT_TRUE(wants("{service.kubernetes.io/topology-mode: Auto}"));
  EXPECT_TRUE(wants("{service.kubernetes.io/topology-aware-hints: auto}"));
  EXPECT_FALSE(
      wants("{service.kubernetes.io/topology-aware-hints: Disabled, service.kubernetes.io/topology-mode: Auto}"));
  EXPECT_FALSE(wants("{}"));
}

}  // namespace
}  // namespace wherry::controllers
