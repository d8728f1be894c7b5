#include "controllers/endpoint_slice.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "controllers/endpoints.h"
#include "controllers/test_objects.h"

namespace wherry::controllers {
namespace {

using core_v1::Pod;
using core_v1::Service;
using discovery_v1::EndpointSlice;

Service serviceOf(std::string_view spec) {
  json::Value tree = json::parseYaml(
      "{apiVersion: v1, kind: Service, metadata: {name: web, namespace: shop, uid: s1, labels: {team: a}}}");
  tree.as_object()["spec"] = json::parseYaml(spec);
  return Service(std::make_shared<const meta::Object>(std::move(tree)));
}

constexpr std::string_view kHttp =
    "{clusterIP: 10.96.0.7, selector: {app: web}, ports: [{name: http, port: 80, targetPort: web}]}";

Pod podOf(std::string_view name, std::string_view ip, std::string_view ready, std::string_view metadata = "",
          std::string_view spec = "") {
  return Pod(objectOf(fmt::format(R"(
metadata: {{name: {0}, namespace: shop, uid: u-{0}{3}}}
spec: {{nodeName: boat{4}, containers: [{{name: a, ports: [{{name: web, containerPort: 8080}}]}}]}}
status: {{phase: Running, podIP: {1}, podIPs: [{{ip: {1}}}], conditions: [{{type: Ready, status: '{2}'}}]}}
)",
                                  name, ip, ready, metadata, spec)));
}

std::string noZone(std::string_view) { return ""; }

SliceActions decide(const Service& service, const std::vector<Pod>& pods,
                    const std::vector<EndpointSlice>& slices = {}) {
  return decideEndpointSlices(service, pods, slices, noZone);
}

// As the API server would hand it back.
EndpointSlice stored(json::Value slice, std::string_view name) {
  meta::mutableMetadata(slice)["name"] = name;
  meta::mutableMetadata(slice)["uid"] = name;
  return EndpointSlice(std::make_shared<const meta::Object>(std::move(slice)));
}

TEST(EndpointSlices, ThePodsOfAServiceMakeASlice) {
  const auto actions =
      decide(serviceOf(kHttp), {podOf("a", "10.244.0.2", "True", "", ", hostname: one, subdomain: web")});
  ASSERT_EQ(actions.create.size(), 1u);
  EXPECT_TRUE(json::equal(actions.create[0], json::parseYaml(R"(
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata:
  generateName: web-
  namespace: shop
  labels: {team: a, endpointslice.kubernetes.io/managed-by: endpointslice-controller.k8s.io, kubernetes.io/service-name: web}
  ownerReferences: [{apiVersion: v1, kind: Service, name: web, uid: s1, controller: true, blockOwnerDeletion: true}]
addressType: IPv4
endpoints:
- addresses: [10.244.0.2]
  conditions: {ready: true, serving: true, terminating: false}
  hostname: one
  targetRef: {kind: Pod, namespace: shop, name: a, uid: u-a}
  nodeName: boat
ports: [{name: http, protocol: TCP, port: 8080}]
)"))) << json::renderYaml(actions.create[0]);
}

std::string conditions(const SliceActions& actions) {
  return json::serialize(actions.create.at(0).at("endpoints").at(0).at("conditions"));
}

TEST(EndpointSlices, ConditionsSayReadyServingAndTerminating) {
  constexpr std::string_view kDeleting = ", deletionTimestamp: '2026-01-01T00:00:00Z'";
  struct Case {
    std::string_view name, ready, metadata, spec, expected;
  } const cases[] = {
      {"a ready pod", "True", "", kHttp, R"({"ready":true,"serving":true,"terminating":false})"},
      {"a pod that is not ready", "False", "", kHttp, R"({"ready":false,"serving":false,"terminating":false})"},
      {"a pod that ends but still serves", "True", kDeleting, kHttp,
       R"({"ready":false,"serving":true,"terminating":true})"},
      {"not ready, but published anyway", "False", "",
       "{clusterIP: None, publishNotReadyAddresses: true, selector: {app: web}}",
       R"({"ready":true,"serving":false,"terminating":false})"},
  };
  for (const auto& [name, ready, metadata, spec, expected] : cases) {
    EXPECT_EQ(conditions(decide(serviceOf(spec), {podOf("a", "10.244.0.2", ready, metadata)})), expected) << name;
  }
}

// "uid=zone/node" of each endpoint with hints, by their slices.
std::string hintsOf(const SliceActions& actions) {
  std::string text;
  for (const auto* list : {&actions.create, &actions.update}) {
    for (const auto& slice : *list) {
      const EndpointSlice view(std::make_shared<const meta::Object>(slice));
      for (const auto endpoint : view.endpoints()) {
        for (const auto zone : endpoint.hints().forZones())
          text += fmt::format("{}={} ", endpoint.targetRef().uid(), zone.name());
        for (const auto node : endpoint.hints().forNodes())
          text += fmt::format("{}@{} ", endpoint.targetRef().uid(), node.name());
      }
    }
  }
  return text;
}

TEST(EndpointSlices, HintWhereTrafficDistributionWantsIt) {
  const auto zoneA = [](std::string_view) { return std::string("a"); };
  const auto service = [](std::string_view distribution) {
    return serviceOf(
        fmt::format("{{clusterIP: 10.96.0.7, selector: {{app: web}}, ports: [{{port: 80}}]{}}}", distribution));
  };
  const std::vector<Pod> pods = {podOf("ready", "10.244.0.2", "True"), podOf("not", "10.244.0.3", "False")};
  const auto plain = decideEndpointSlices(service(""), pods, {}, zoneA);
  EXPECT_EQ(hintsOf(plain), "");
  EXPECT_EQ(hintsOf(decideEndpointSlices(service(", trafficDistribution: PreferClose"), pods, {}, zoneA)),
            "u-ready=a ");
  EXPECT_EQ(hintsOf(decideEndpointSlices(service(", trafficDistribution: PreferSameNode"), pods, {}, zoneA)),
            "u-ready=a u-ready@boat ");
  // They come to slices that are there, and go.
  const auto later = decideEndpointSlices(service(", trafficDistribution: PreferSameZone"), pods,
                                          {stored(plain.create.at(0), "web-1")}, zoneA);
  EXPECT_EQ(hintsOf(later), "u-ready=a ");
  EXPECT_EQ(later.update.size(), 1u);
  const auto last = decideEndpointSlices(service(""), pods, {stored(later.update.at(0), "web-1")}, zoneA);
  EXPECT_EQ(last.update.size(), 1u);
  EXPECT_EQ(hintsOf(last), "");
}

TEST(EndpointSlices, ShareOutZonesWhereTheAnnotationWantsIt) {
  json::Value tree = serviceOf(kHttp).object()->tree();
  meta::mutableMetadata(tree)["annotations"] = json::Object{{"service.kubernetes.io/topology-mode", "Auto"}};
  const Service service(std::make_shared<const meta::Object>(std::move(tree)));
  const auto zoneA = [](std::string_view) { return std::string("a"); };
  const std::vector<Pod> pods = {podOf("1", "10.244.0.2", "True"), podOf("2", "10.244.0.3", "True"),
                                 podOf("3", "10.244.0.4", "False")};
  const auto actions = decideEndpointSlices(service, pods, {}, zoneA, {{"a", 0.5}, {"b", 0.5}});
  EXPECT_EQ(hintsOf(actions), "u-1=b u-2=a ");
  EXPECT_EQ(actions.sharesTrouble, (std::map<std::string, std::string>{{"IPv4", ""}}));
  const auto again =
      decideEndpointSlices(service, pods, {stored(actions.create.at(0), "web-1")}, zoneA, {{"a", 0.5}, {"b", 0.5}});
  EXPECT_TRUE(again.update.empty() && again.create.empty() && again.remove.empty());
  const auto without = decideEndpointSlices(service, pods, {stored(actions.create.at(0), "web-1")}, zoneA);
  EXPECT_EQ(hintsOf(without), "");
  EXPECT_EQ(without.update.size(), 1u);
  EXPECT_NE(without.sharesTrouble.at("IPv4"), "");
}

TEST(EndpointSlices, AHeadlessServiceSaysSo) {
  const auto actions = decide(serviceOf("{clusterIP: None, selector: {app: web}}"), {podOf("a", "10.244.0.2", "True")});
  EXPECT_EQ(json::getString(actions.create[0].at("metadata").at("labels"), "app", "-"), "-");
  EXPECT_NE(actions.create[0].at("metadata").at("labels").as_object().if_contains("service.kubernetes.io/headless"),
            nullptr);
  EXPECT_EQ(json::serialize(actions.create[0].at("ports")), "[]");
}

TEST(EndpointSlices, WithoutPodsThereIsOneEmptySlice) {
  const auto first = decide(serviceOf(kHttp), {});
  ASSERT_EQ(first.create.size(), 1u);
  EXPECT_TRUE(first.create[0].at("endpoints").as_array().empty());
  const auto again = decide(serviceOf(kHttp), {}, {stored(first.create[0], "web-1")});
  EXPECT_TRUE(again.create.empty() && again.update.empty() && again.remove.empty());
}

TEST(EndpointSlices, TheEmptySliceIsUsedForTheFirstPod) {
  const auto empty = decide(serviceOf(kHttp), {}).create[0];
  const auto actions = decide(serviceOf(kHttp), {podOf("a", "10.244.0.2", "True")}, {stored(empty, "web-1")});
  EXPECT_TRUE(actions.create.empty() && actions.remove.empty());
  ASSERT_EQ(actions.update.size(), 1u);
  EXPECT_EQ(json::getString(actions.update[0], "metadata.name"), "web-1");
  EXPECT_EQ(actions.update[0].at("endpoints").as_array().size(), 1u);
  EXPECT_EQ(json::serialize(actions.update[0].at("ports")), R"([{"name":"http","protocol":"TCP","port":8080}])");
}

std::vector<Pod> manyPods(int from, int to) {
  std::vector<Pod> pods;
  for (int i = from; i < to; ++i)
    pods.push_back(podOf(fmt::format("p{:03}", i), fmt::format("10.244.{}.{}", i / 200, i % 200 + 1), "True"));
  return pods;
}

TEST(EndpointSlices, HoldAHundredEndpointsAndChangeAsFewAsTheyCan) {
  const auto first = decide(serviceOf(kHttp), manyPods(0, 150));
  ASSERT_EQ(first.create.size(), 2u);
  EXPECT_EQ(first.create[0].at("endpoints").as_array().size(), 100u);
  const std::vector<EndpointSlice> slices{stored(first.create[0], "web-1"), stored(first.create[1], "web-2")};

  const auto same = decide(serviceOf(kHttp), manyPods(0, 150), slices);
  EXPECT_TRUE(same.create.empty() && same.update.empty() && same.remove.empty()) << "nothing has changed";

  const auto oneMore = decide(serviceOf(kHttp), manyPods(0, 151), slices);
  ASSERT_EQ(oneMore.update.size(), 1u) << "one more goes where there is room";
  EXPECT_EQ(json::getString(oneMore.update[0], "metadata.name"), "web-2");

  const auto oneElse = decide(serviceOf(kHttp), manyPods(1, 151), slices);
  ASSERT_EQ(oneElse.update.size(), 1u) << "a pod that replaces another takes its place";
  EXPECT_EQ(json::getString(oneElse.update[0], "metadata.name"), "web-1");

  const auto fewer = decide(serviceOf(kHttp), manyPods(0, 100), slices);
  EXPECT_TRUE(fewer.update.empty());
  ASSERT_EQ(fewer.remove.size(), 1u) << "an empty slice goes";
  EXPECT_EQ(fewer.remove[0].metadata().name(), "web-2");
}

TEST(EndpointSlices, PodsWithAnotherPortOfThatNameGetASliceOfTheirOwn) {
  const Pod other(objectOf(R"(
metadata: {name: b, namespace: shop, uid: u-b}
spec: {nodeName: boat, containers: [{name: a, ports: [{name: web, containerPort: 9090}]}]}
status: {phase: Running, podIP: 10.244.0.3, conditions: [{type: Ready, status: 'True'}]}
)"));
  EXPECT_EQ(decide(serviceOf(kHttp), {podOf("a", "10.244.0.2", "True"), other}).create.size(), 2u);
}

TEST(EndpointSlices, EndedPodsAndPodsWithoutAddressAreLeftOut) {
  const Pod ended(
      objectOf("{metadata: {name: a, namespace: shop, uid: u}, status: {phase: Succeeded, podIP: 10.244.0.2}}"));
  const Pod young(objectOf("{metadata: {name: b, namespace: shop, uid: v}, status: {phase: Pending}}"));
  EXPECT_TRUE(decide(serviceOf(kHttp), {ended, young}).create.at(0).at("endpoints").as_array().empty());
}

TEST(EndpointsObject, HasReadyAndNotReadyAddresses) {
  const auto made =
      decideEndpoints(serviceOf(kHttp), {podOf("b", "10.244.0.3", "False"), podOf("a", "10.244.0.2", "True")}, {});
  ASSERT_TRUE(made);
  EXPECT_TRUE(json::equal(made->at("subsets"), json::parseYaml(R"(
- addresses: [{ip: 10.244.0.2, nodeName: boat, targetRef: {kind: Pod, namespace: shop, name: a, uid: u-a}}]
  notReadyAddresses: [{ip: 10.244.0.3, nodeName: boat, targetRef: {kind: Pod, namespace: shop, name: b, uid: u-b}}]
  ports: [{name: http, port: 8080, protocol: TCP}]
)"))) << json::renderYaml(*made);
  const core_v1::Endpoints present(std::make_shared<const meta::Object>(*made));
  EXPECT_EQ(
      decideEndpoints(serviceOf(kHttp), {podOf("a", "10.244.0.2", "True"), podOf("b", "10.244.0.3", "False")}, present),
      std::nullopt)
      << "the same again writes nothing";
}

}  // namespace
}  // namespace wherry::controllers
