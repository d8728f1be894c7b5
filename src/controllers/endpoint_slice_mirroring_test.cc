#include "controllers/endpoint_slice_mirroring.h"

#include <gtest/gtest.h>

#include "controllers/test_objects.h"

namespace wherry::controllers {
namespace {

using core_v1::Endpoints;
using core_v1::Service;
using discovery_v1::EndpointSlice;

constexpr std::string_view kService = "{metadata: {name: db, namespace: default}, spec: {ports: [{port: 5432}]}}";
constexpr std::string_view kEndpoints = R"(
metadata:
  {name: db, namespace: default, uid: e1, labels: {team: data},
   annotations: {note: x, kubectl.kubernetes.io/last-applied-configuration: '{}'}}
subsets:
- addresses: [{ip: 192.0.2.1, hostname: first}, {ip: '2001:db8::1'}]
  notReadyAddresses: [{ip: 192.0.2.2, nodeName: n1}]
  ports: [{port: 5432}]
- addresses: [{ip: 192.0.2.3}]
  ports: [{name: http, port: 80, protocol: TCP, appProtocol: http}]
)";

Service service(std::string_view yaml = kService) { return Service(objectOf(yaml)); }
Endpoints endpoints(std::string_view yaml = kEndpoints) { return Endpoints(objectOf(yaml)); }

// As the API server stores it.
EndpointSlice stored(json::Value slice, std::string_view name) {
  meta::mutableMetadata(slice)["name"] = name;
  return EndpointSlice(std::make_shared<const meta::Object>(std::move(slice)));
}

TEST(Mirroring, EachFamilyAndSetOfPortsIsASlice) {
  const auto actions = decideMirrors(service(), endpoints(), {});
  ASSERT_EQ(actions.create.size(), 3U);
  EXPECT_TRUE(json::equal(actions.create[0], json::parseYaml(R"(
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata:
  generateName: db-
  namespace: default
  labels:
    team: data
    kubernetes.io/service-name: db
    endpointslice.kubernetes.io/managed-by: endpointslicemirroring-controller.k8s.io
  annotations: {note: x}
  ownerReferences:
  - {apiVersion: '', kind: '', name: db, uid: e1, controller: true, blockOwnerDeletion: true}
addressType: IPv4
ports: [{name: '', port: 5432, protocol: TCP}]
endpoints:
- {addresses: [192.0.2.1], conditions: {ready: true}, hostname: first}
- {addresses: [192.0.2.2], conditions: {ready: false}, nodeName: n1}
)"))) << json::serialize(actions.create[0]);
  EXPECT_EQ(json::getString(actions.create[1], "addressType"), "IPv6");
  EXPECT_EQ(json::serialize(actions.create[2].at("ports")),
            R"([{"name":"http","port":80,"protocol":"TCP","appProtocol":"http"}])");
}

TEST(Mirroring, WhatIsRightIsLeftAlone) {
  const auto made = decideMirrors(service(), endpoints(), {}).create;
  const std::vector slices{stored(made[2], "c"), stored(made[0], "a"), stored(made[1], "b")};
  const auto again = decideMirrors(service(), endpoints(), slices);
  EXPECT_TRUE(again.create.empty() && again.update.empty() && again.remove.empty());
}

TEST(Mirroring, AChangeIsWrittenIntoTheSliceThatIsThere) {
  const auto made = decideMirrors(service(), endpoints(), {}).create;
  const auto less = endpoints(R"(
metadata: {name: db, namespace: default, uid: e1}
subsets: [{addresses: [{ip: 192.0.2.9}], ports: [{port: 5433}]}]
)");
  const auto actions = decideMirrors(service(), less, {stored(made[0], "a"), stored(made[1], "b")});
  EXPECT_TRUE(actions.create.empty());
  ASSERT_EQ(actions.update.size(), 1U);
  EXPECT_EQ(json::getString(actions.update[0], "metadata.name"), "a");
  EXPECT_EQ(json::serialize(actions.update[0].at("endpoints")),
            R"([{"addresses":["192.0.2.9"],"conditions":{"ready":true}}])");
  ASSERT_EQ(actions.remove.size(), 1U);
  EXPECT_EQ(actions.remove[0].metadata().name(), "b");
}

TEST(Mirroring, WhatIsNotToBeMirroredHasNoMirrors) {
  const auto made = decideMirrors(service(), endpoints(), {}).create;
  const std::vector slices{stored(made[0], "a")};
  const std::pair<Service, Endpoints> cases[] = {
      {Service(), endpoints()},
      {service(), Endpoints()},
      {service("{metadata: {name: db, namespace: default}, spec: {selector: {app: db}}}"), endpoints()},
      {service(), endpoints("{metadata: {name: db, namespace: default, "
                            "labels: {endpointslice.kubernetes.io/skip-mirror: 'true'}}, "
                            "subsets: [{addresses: [{ip: 192.0.2.1}]}]}")},
      {service(), endpoints("{metadata: {name: db, namespace: default, "
                            "annotations: {control-plane.alpha.kubernetes.io/leader: '{}'}}, "
                            "subsets: [{addresses: [{ip: 192.0.2.1}]}]}")},
      {service(), endpoints("{metadata: {name: db, namespace: default}}")},
  };
  for (const auto& [ofService, ofEndpoints] : cases) {
    const auto actions = decideMirrors(ofService, ofEndpoints, slices);
    EXPECT_TRUE(actions.create.empty() && actions.update.empty());
    EXPECT_EQ(actions.remove.size(), 1U);
  }
}

TEST(Mirroring, AThousandAddressesAreEnough) {
  json::Array addresses;
  for (int i = 0; i < 1100; ++i) {
    addresses.push_back(json::Object{{"ip", "10.0." + std::to_string(i / 256) + "." + std::to_string(i % 256)}});
  }
  auto tree = json::parseYaml(kEndpoints);
  tree.as_object()["subsets"] = json::Array{json::Object{{"addresses", std::move(addresses)}}};
  const auto actions = decideMirrors(service(), Endpoints(std::make_shared<const meta::Object>(std::move(tree))), {});
  ASSERT_EQ(actions.create.size(), 1U);
  EXPECT_EQ(actions.create[0].at("endpoints").as_array().size(), 1000U);
}

}  // namespace
}  // namespace wherry::controllers
