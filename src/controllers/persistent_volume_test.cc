#include "controllers/persistent_volume.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "controllers/test_objects.h"

namespace wherry::controllers {
namespace {

using core_v1::Node;
using core_v1::PersistentVolume;
using core_v1::PersistentVolumeClaim;
using storage_v1::StorageClass;

PersistentVolumeClaim claimOf(std::string_view spec, std::string_view metadata = "") {
  return PersistentVolumeClaim(objectOf(fmt::format(
      "{{metadata: {{name: data, namespace: shop, uid: c1{}}}, spec: {{storageClassName: disk, accessModes: "
      "[ReadWriteOnce], resources: {{requests: {{storage: 1Gi}}}}{}}}}}",
      metadata, spec)));
}

std::string volumeYaml(std::string_view name, std::string_view size, std::string_view more = "",
                       std::string_view metadata = "", std::string_view phase = "Available") {
  return fmt::format(
      "{{metadata: {{name: {}{}}}, spec: {{storageClassName: disk, accessModes: [ReadWriteOnce], capacity: {{storage: "
      "{}}}, hostPath: {{path: /x}}{}}}, status: {{phase: {}}}}}",
      name, metadata, size, more, phase);
}

PersistentVolume volumeOf(const std::string& yaml) { return PersistentVolume(objectOf(yaml)); }

std::string choose(const PersistentVolumeClaim& claim, const std::vector<std::string>& volumes,
                   const Node* node = nullptr) {
  std::vector<PersistentVolume> all;
  for (const auto& volume : volumes) all.push_back(volumeOf(volume));
  const auto chosen = chooseVolume(claim, all, node);
  return chosen ? std::string(chosen.metadata().name()) : "none";
}

TEST(ChooseVolume, TakesTheSmallestThatIsLargeEnough) {
  EXPECT_EQ(
      choose(claimOf(""), {volumeYaml("large", "10Gi"), volumeYaml("right", "2Gi"), volumeYaml("small", "1000Mi")}),
      "right");
}

TEST(ChooseVolume, TakesTheOneThatIsKeptForTheClaim) {
  const auto kept = volumeYaml("kept", "10Gi", ", claimRef: {name: data, namespace: shop}");
  EXPECT_EQ(choose(claimOf(""), {volumeYaml("right", "2Gi"), kept}), "kept");
  const auto others = volumeYaml("others", "1Gi", ", claimRef: {name: other, namespace: shop}");
  EXPECT_EQ(choose(claimOf(""), {others}), "none");
  const auto former = volumeYaml("former", "1Gi", ", claimRef: {name: data, namespace: shop, uid: c0}", "", "Released");
  EXPECT_EQ(choose(claimOf(""), {former}), "none");
}

TEST(ChooseVolume, RefusesWhatDoesNotFit) {
  EXPECT_EQ(choose(claimOf(""), {volumeYaml("v", "2Gi", ", volumeMode: Block")}), "none");
  EXPECT_EQ(choose(claimOf(", volumeMode: Block"), {volumeYaml("v", "2Gi", ", volumeMode: Block")}), "v");
  EXPECT_EQ(choose(claimOf(", selector: {matchLabels: {tier: fast}}"), {volumeYaml("v", "2Gi")}), "none");
  EXPECT_EQ(choose(claimOf(", selector: {matchLabels: {tier: fast}}"),
                   {volumeYaml("v", "2Gi", "", ", labels: {tier: fast}")}),
            "v");
  EXPECT_EQ(choose(claimOf(""), {volumeYaml("v", "2Gi", "", ", deletionTimestamp: '2026-01-01T00:00:00Z'")}), "none");
  const PersistentVolumeClaim many(
      objectOf("{metadata: {name: data}, spec: {storageClassName: disk, accessModes: [ReadWriteMany], resources: "
               "{requests: {storage: 1}}}}"));
  EXPECT_EQ(choose(many, {volumeYaml("v", "2Gi")}), "none");
}

TEST(ChooseVolume, TakesOneOfTheNode) {
  const std::string here =
      ", nodeAffinity: {required: {nodeSelectorTerms: [{matchExpressions: [{key: kubernetes.io/hostname, operator: In, "
      "values: [a]}]}]}}";
  const Node a(objectOf("{metadata: {name: a, labels: {kubernetes.io/hostname: a}}}"));
  const Node b(objectOf("{metadata: {name: b, labels: {kubernetes.io/hostname: b}}}"));
  EXPECT_EQ(choose(claimOf(""), {volumeYaml("v", "2Gi", here)}, &a), "v");
  EXPECT_EQ(choose(claimOf(""), {volumeYaml("v", "2Gi", here)}, &b), "none");
}

std::string waiting(std::string_view storageClass, const PersistentVolumeClaim& claim = claimOf("")) {
  return decideWaiting(claim, StorageClass(storageClass.empty() ? nullptr : objectOf(storageClass))).reason;
}

TEST(DecideWaiting, SaysWhyAClaimHasNoVolume) {
  constexpr std::string_view kOurs =
      "{metadata: {name: disk}, provisioner: wherry.dev/local-path, volumeBindingMode: WaitForFirstConsumer}";
  EXPECT_EQ(waiting(""), "ProvisioningFailed");
  EXPECT_EQ(waiting("", PersistentVolumeClaim(objectOf("{metadata: {name: a}, spec: {storageClassName: ''}}"))),
            "FailedBinding");
  EXPECT_EQ(waiting(kOurs), "WaitForFirstConsumer");
  EXPECT_EQ(waiting(kOurs, claimOf("", ", annotations: {volume.kubernetes.io/selected-node: a}")), "");
  EXPECT_EQ(waiting("{metadata: {name: disk}, provisioner: wherry.dev/local-path, volumeBindingMode: Immediate}"), "");
  EXPECT_EQ(waiting("{metadata: {name: disk}, provisioner: csi.example.com}"), "ExternalProvisioning");
  EXPECT_EQ(waiting("{metadata: {name: disk}, provisioner: kubernetes.io/no-provisioner}"), "FailedBinding");
  EXPECT_EQ(waiting("{metadata: {name: disk}, provisioner: wherry.dev/local-path}", claimOf(", volumeMode: Block")),
            "ProvisioningFailed");
}

TEST(LocalVolume, IsADirectoryOfTheNode) {
  const Node node(objectOf("{metadata: {name: a, labels: {kubernetes.io/hostname: host-a}}}"));
  const StorageClass storageClass(
      objectOf("{metadata: {name: disk}, provisioner: wherry.dev/local-path, reclaimPolicy: Retain}"));
  EXPECT_EQ(localVolume(claimOf(""), storageClass, node, "/data/volumes"), json::parseYaml(R"(
apiVersion: v1
kind: PersistentVolume
metadata: {name: pvc-c1, annotations: {pv.kubernetes.io/provisioned-by: wherry.dev/local-path}, finalizers: [wherry.dev/local-path]}
spec:
  accessModes: [ReadWriteOnce]
  capacity: {storage: 1Gi}
  claimRef: {apiVersion: v1, kind: PersistentVolumeClaim, namespace: shop, name: data, uid: c1}
  hostPath: {path: /data/volumes/pvc-c1_shop_data, type: DirectoryOrCreate}
  nodeAffinity: {required: {nodeSelectorTerms: [{matchExpressions: [{key: kubernetes.io/hostname, operator: In, values: [host-a]}]}]}}
  persistentVolumeReclaimPolicy: Retain
  storageClassName: disk
  volumeMode: Filesystem
)"));
}

TEST(VolumePhase, FollowsItsClaim) {
  const auto bound = volumeOf(volumeYaml("v", "1Gi", ", claimRef: {name: data, namespace: shop, uid: c1}"));
  EXPECT_EQ(decideVolumePhase(volumeOf(volumeYaml("v", "1Gi")), {}), "Available");
  EXPECT_EQ(decideVolumePhase(volumeOf(volumeYaml("v", "1Gi", ", claimRef: {name: data, namespace: shop}")), {}),
            "Available");
  EXPECT_EQ(decideVolumePhase(bound, claimOf(", volumeName: v")), "Bound");
  EXPECT_EQ(decideVolumePhase(bound, claimOf("")), "Available");
  EXPECT_EQ(decideVolumePhase(bound, {}), "Released");
}

TEST(Growth, OfADriversVolumeIsItsResizers) {
  const auto volume = [](std::string_view size) {
    return volumeOf("{metadata: {name: v}, spec: {capacity: {storage: " + std::string(size) + "}, csi: {driver: d}}}");
  };
  const auto claim = [](const std::string& status) {
    return core_v1::PersistentVolumeClaim(std::make_shared<const meta::Object>(json::parseYaml(
        "{metadata: {name: data}, spec: {resources: {requests: {storage: 2Gi}}}, status: {" + status + "}}")));
  };
  EXPECT_TRUE(awaitsExpansion(claim("phase: Bound"), volume("1Gi")));
  EXPECT_FALSE(awaitsExpansion(claim("phase: Bound"), volume("2Gi")));
  EXPECT_FALSE(awaitsExpansion(claim("phase: Bound, conditions: [{type: Resizing, status: 'True'}]"), volume("1Gi")));
  EXPECT_TRUE(takesCapacity(claim("phase: Pending"), volume("2Gi")));
  EXPECT_FALSE(takesCapacity(claim("phase: Bound"), volume("2Gi")));
}

TEST(Growth, IsOfVolumesThatWeMade) {
  const auto ours = [](std::string_view size) {
    return volumeOf(
        volumeYaml("v", size, "", ", annotations: {pv.kubernetes.io/provisioned-by: wherry.dev/local-path}"));
  };
  EXPECT_EQ(decideGrowth(claimOf(""), ours("500Mi")), "1Gi");
  EXPECT_EQ(decideGrowth(claimOf(""), ours("1Gi")), std::nullopt);
  EXPECT_EQ(decideGrowth(claimOf(""), volumeOf(volumeYaml("v", "500Mi"))), std::nullopt);
  // What the claim says then.
  const auto claim = [](const char* size) {
    return PersistentVolumeClaim(objectOf(fmt::format(
        "{{metadata: {{name: data, namespace: shop}}, status: {{phase: Bound, capacity: {{storage: {}}}}}}}", size)));
  };
  EXPECT_EQ(json::Value(boundStatus(claim("1Gi"), ours("2Gi"))),
            json::parseYaml("{phase: Bound, accessModes: [ReadWriteOnce], capacity: {storage: 2Gi}, "
                            "allocatedResources: {storage: 2Gi}}"));
  EXPECT_EQ(json::Value(boundStatus(claim("2Gi"), ours("2Gi"))),
            json::parseYaml("{phase: Bound, accessModes: [ReadWriteOnce], capacity: {storage: 2Gi}}"));
  EXPECT_EQ(json::Value(boundStatus(claim("1Gi"), volumeOf(volumeYaml("v", "2Gi")))),
            json::parseYaml("{phase: Bound, accessModes: [ReadWriteOnce]}"));
}

}  // namespace
}  // namespace wherry::controllers
