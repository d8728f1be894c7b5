#include "controllers/ephemeral_volume.h"

#include <gtest/gtest.h>

#include "controllers/test_objects.h"
#include "json/yaml.h"

namespace wherry::controllers {
namespace {

core_v1::Pod podOf(const std::string& more) {
  return core_v1::Pod(std::make_shared<const meta::Object>(json::parseYaml(R"(
metadata: {name: web, namespace: shop, uid: p1)" + more + R"(}
spec:
  volumes:
  - name: scratch
    ephemeral:
      volumeClaimTemplate:
        metadata: {labels: {a: b}, annotations: {c: d}}
        spec: {accessModes: [ReadWriteOnce], storageClassName: fast, resources: {requests: {storage: 1Gi}}}
  - {name: other, persistentVolumeClaim: {claimName: data}}
)")));
}

meta::ObjectPtr claimOwnedBy(const std::string& uid) {
  return std::make_shared<const meta::Object>(json::parseYaml(
      "metadata: {name: web-scratch, namespace: shop, ownerReferences: [{apiVersion: v1, kind: Pod, name: web, uid: " +
      uid + ", controller: true}]}"));
}

TEST(EphemeralClaims, AreMadeForThePodAndGoWithIt) {
  const auto decision = decideEphemeralClaims(podOf(""), [](auto) { return nullptr; });
  ASSERT_EQ(decision.toMake.size(), 1u);
  EXPECT_EQ(decision.toMake[0], json::parseYaml(R"(
apiVersion: v1
kind: PersistentVolumeClaim
metadata:
  name: web-scratch
  namespace: shop
  ownerReferences: [{apiVersion: v1, kind: Pod, name: web, uid: p1, controller: true, blockOwnerDeletion: true}]
  labels: {a: b}
  annotations: {c: d}
spec: {accessModes: [ReadWriteOnce], storageClassName: fast, resources: {requests: {storage: 1Gi}}}
)"));
  EXPECT_TRUE(decision.conflicts.empty());
}

TEST(EphemeralClaims, AreLeftAloneOnceTheyAreThere) {
  const auto decision = decideEphemeralClaims(podOf(""), [](auto) { return claimOwnedBy("p1"); });
  EXPECT_TRUE(decision.toMake.empty());
  EXPECT_TRUE(decision.conflicts.empty());
}

TEST(EphemeralClaims, OfOthersAreNotTaken) {
  const auto decision = decideEphemeralClaims(podOf(""), [](auto) { return claimOwnedBy("p0"); });
  EXPECT_TRUE(decision.toMake.empty());
  EXPECT_EQ(decision.conflicts,
            std::vector<std::string>{"ephemeral volume scratch: PVC shop/web-scratch was not created for pod shop/web "
                                     "(pod is not owner)"});
}

TEST(EphemeralClaims, AreNotForPodsThatGo) {
  const auto pod = podOf(", deletionTimestamp: '2026-01-01T00:00:00Z'");
  EXPECT_TRUE(decideEphemeralClaims(pod, [](auto) { return nullptr; }).toMake.empty());
}

}  // namespace
}  // namespace wherry::controllers
