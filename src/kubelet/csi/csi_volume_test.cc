#include "kubelet/csi/csi_volume.h"

#include <gtest/gtest.h>

#include "kubelet/csi/csi_node.h"
#include "kubelet/testing/pod_fixture.h"

namespace wherry::kubelet {
namespace {

using core_v1::PersistentVolume;
using storage_v1::CSIDriver;

meta::ObjectPtr object(const std::string& yaml) { return std::make_shared<const meta::Object>(json::parseYaml(yaml)); }
CSIDriver driver(const std::string& spec) {
  return CSIDriver(object("{metadata: {name: d.example}, spec: " + spec + "}"));
}

core_v1::Pod claimingPod(const std::string& more = "") {
  return makePod(
      "{" + more +
      "containers: [{name: a}], serviceAccountName: me, volumes: [{name: v, persistentVolumeClaim: {claimName: c}}]}");
}

PersistentVolume persistentVolume(const std::string& mode = "ReadWriteOnce", const std::string& more = "") {
  return PersistentVolume(
      object("{metadata: {name: pv}, spec: {accessModes: [" + mode +
             "], mountOptions: [noatime], csi: {driver: d.example, volumeHandle: h, volumeAttributes: "
             "{a: b}, nodeStageSecretRef: {namespace: n, name: s}" +
             more + "}}}"));
}

CsiVolume claimed(const core_v1::Pod& pod, const PersistentVolume& volume) {
  return *csiVolumeOf(pod, pod.spec().volumes()[0], volume);
}

TEST(CsiVolume, OfAClaimIsWhatItsPersistentVolumeSays) {
  const auto pod = claimingPod();
  const auto volume = claimed(pod, persistentVolume());
  EXPECT_EQ(volume.name + " " + volume.driver + " " + volume.handle, "pv d.example h");
  EXPECT_EQ(volume.stageSecret.ns + "/" + volume.stageSecret.name, "n/s");
  EXPECT_EQ(volume.mountOptions, std::vector<std::string>{"noatime"});
  EXPECT_FALSE(volume.inlined);
  EXPECT_FALSE(csiVolumeOf(pod, pod.spec().volumes()[0],
                           PersistentVolume(object("{metadata: {name: pv}, spec: {hostPath: {path: /x}}}"))));
}

TEST(CsiVolume, OfThePodItselfHasAHandleOfItsOwn) {
  const auto pod = makePod(
      "{containers: [{name: a}], volumes: [{name: v, csi: {driver: d.example, readOnly: true, nodePublishSecretRef: "
      "{name: s}}}]}");
  const auto volume = *csiVolumeOf(pod, pod.spec().volumes()[0], {});
  EXPECT_TRUE(volume.inlined && volume.readOnly);
  EXPECT_EQ(volume.name, "v");
  EXPECT_EQ(volume.handle.size(), 4 + 64u);
  EXPECT_EQ(volume.publishSecret.ns + "/" + volume.publishSecret.name, "default/s");
}

TEST(CsiVolume, MayBeUsedAsItsDriverSays) {
  const auto persistent = claimed(claimingPod(), persistentVolume());
  CsiVolume inlined = persistent;
  inlined.inlined = true;
  const auto both = driver("{volumeLifecycleModes: [Persistent, Ephemeral]}");
  const auto ephemeral = driver("{volumeLifecycleModes: [Ephemeral]}");
  EXPECT_EQ(findLifecycleViolation(persistent, {}), std::nullopt);
  EXPECT_EQ(findLifecycleViolation(inlined, {}),
            "volume mode \"Ephemeral\" not supported by driver d.example (no CSIDriver object)");
  EXPECT_EQ(findLifecycleViolation(inlined, both), std::nullopt);
  EXPECT_EQ(findLifecycleViolation(persistent, ephemeral),
            "volume mode \"Persistent\" not supported by driver d.example (only supports [\"Ephemeral\"])");
  EXPECT_TRUE(needsAttachment(persistent, {}));
  EXPECT_FALSE(needsAttachment(persistent, driver("{attachRequired: false}")));
  EXPECT_FALSE(needsAttachment(inlined, {}));
}

TEST(CsiVolume, AccessModesAreFinerForDriversThatKnowThem) {
  auto mode = [](const std::string& name, std::set<CsiNodeAbility> abilities) {
    const auto pod = claimingPod();
    MountFacts facts;
    facts.abilities = std::move(abilities);
    return static_cast<int>(stageRequest(claimed(pod, persistentVolume(name)), pod, {}, facts).capability.accessMode);
  };
  const std::set<CsiNodeAbility> finer = {CsiNodeAbility::kSingleNodeMultiWriter};
  EXPECT_EQ(mode("ReadWriteOnce", {}), 1);
  EXPECT_EQ(mode("ReadWriteOncePod", {}), 1);
  EXPECT_EQ(mode("ReadOnlyMany", {}), 3);
  EXPECT_EQ(mode("ReadWriteMany", {}), 5);
  EXPECT_EQ(mode("ReadWriteOnce", finer), 7);
  EXPECT_EQ(mode("ReadWriteOncePod", finer), 6);
}

TEST(CsiVolume, DriversHearOfThePodWhenTheyAsk) {
  const auto pod = claimingPod();
  const auto volume = claimed(pod, persistentVolume());
  MountFacts facts;
  EXPECT_EQ(publishRequest(volume, pod, driver("{}"), facts).volumeContext, (CsiMap{{"a", "b"}}));
  facts.tokens = "{}";
  const auto context = publishRequest(volume, pod, driver("{podInfoOnMount: true}"), facts).volumeContext;
  EXPECT_EQ(context, (CsiMap{{"a", "b"},
                             {"csi.storage.k8s.io/ephemeral", "false"},
                             {"csi.storage.k8s.io/pod.name", "web"},
                             {"csi.storage.k8s.io/pod.namespace", "default"},
                             {"csi.storage.k8s.io/pod.uid", kTestUid},
                             {"csi.storage.k8s.io/serviceAccount.name", "me"},
                             {"csi.storage.k8s.io/serviceAccount.tokens", "{}"}}));
  EXPECT_EQ(stageRequest(volume, pod, driver("{podInfoOnMount: true}"), facts).volumeContext, (CsiMap{{"a", "b"}}));
}

TEST(CsiVolume, ItsGroupIsChangedByPolicy) {
  const auto pod = claimingPod("securityContext: {fsGroup: 5}, ");
  const auto typed = claimed(pod, persistentVolume("ReadWriteOnce", ", fsType: ext4"));
  const auto shared = claimed(pod, persistentVolume("ReadWriteMany", ", fsType: ext4"));
  const auto untyped = claimed(pod, persistentVolume());
  EXPECT_TRUE(changesGroup(typed, pod, {}, {}));
  EXPECT_FALSE(changesGroup(shared, pod, {}, {}));
  EXPECT_FALSE(changesGroup(untyped, pod, {}, {}));
  EXPECT_TRUE(changesGroup(untyped, pod, driver("{fsGroupPolicy: File}"), {}));
  EXPECT_FALSE(changesGroup(typed, pod, driver("{fsGroupPolicy: None}"), {}));
  EXPECT_FALSE(changesGroup(typed, claimingPod(), {}, {}));
  // The driver does it itself.
  MountFacts facts;
  facts.abilities = {CsiNodeAbility::kMountGroup};
  EXPECT_FALSE(changesGroup(typed, pod, {}, facts.abilities));
  EXPECT_EQ(publishRequest(typed, pod, {}, facts).capability.mountGroup, "5");
}

TEST(CsiRecord, IsReadAsItWasWritten) {
  const CsiRecord record{
      .name = "pv", .driver = "d", .handle = "h", .staged = true, .block = true, .attachment = "csi-x", .claim = "n/c"};
  const auto read = parseCsiRecord(json::serialize(renderCsiRecord(record, "node")));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->name + read->driver + read->handle + read->attachment + read->claim, "pvdhcsi-xn/c");
  EXPECT_TRUE(read->staged && read->block && !read->inlined);
  EXPECT_FALSE(parseCsiRecord("{"));
  EXPECT_FALSE(
      parseCsiRecord("{\"specVolID\": \"pv\", \"driverName\": \"d\", \"volumeHandle\": \"h\"}"));  // another kubelet's
}

TEST(CsiPathsTest, AreThoseThatDriversExpect) {
  const CsiPaths paths;
  EXPECT_EQ(paths.target("u", "pv"), "/var/lib/kubelet/pods/u/volumes/kubernetes.io~csi/pv/mount");
  EXPECT_TRUE(paths.staging("d", "h").starts_with("/var/lib/kubelet/plugins/kubernetes.io/csi/d/"));
  EXPECT_TRUE(paths.staging("d", "h").ends_with("/globalmount"));
  const std::string devices = paths.root + "/plugins/kubernetes.io/csi/volumeDevices";
  EXPECT_EQ(paths.blockTarget("u", "pv"), devices + "/publish/pv/u");
  EXPECT_EQ(paths.blockStaging("pv"), devices + "/staging/pv");
}

CsiDriverMap oneDriver() {
  return {
      {"d.example",
       {.socket = "/s", .info = {.nodeId = "n1", .maxVolumes = 3, .topology = {{"zone", "here"}}}, .abilities = {}}}};
}

TEST(CsiNode, TellsOfTheDrivers) {
  const auto node = object("{metadata: {name: node, uid: u}}");
  EXPECT_EQ(renderCsiNode(*node, oneDriver()), json::parseYaml(R"(
apiVersion: storage.k8s.io/v1
kind: CSINode
metadata: {name: node, ownerReferences: [{apiVersion: v1, kind: Node, name: node, uid: u}]}
spec: {drivers: [{name: d.example, nodeID: n1, topologyKeys: [zone], allocatable: {count: 3}}]}
)"));
  EXPECT_EQ(json::Value(nodePatch(*node, oneDriver())), json::parseYaml(R"(
metadata:
  annotations: {csi.volume.kubernetes.io/nodeid: '{"d.example":"n1"}'}
  labels: {zone: here}
)"));
  const auto told = object(
      "{metadata: {name: node, labels: {zone: here}, annotations: {csi.volume.kubernetes.io/nodeid: "
      "'{\"d.example\":\"n1\"}'}}}");
  EXPECT_TRUE(nodePatch(*told, oneDriver()).empty());
  EXPECT_EQ(json::serialize(nodePatch(*told, {})),
            R"({"metadata":{"annotations":{"csi.volume.kubernetes.io/nodeid":null}}})");
  EXPECT_TRUE(nodePatch(*node, {}).empty());
}

TEST(Registration, IsOfStorageDriversOfVersionOne) {
  const auto wrong = [](const char* type, const char* name, const char* version) {
    return registrationError({.type = type, .name = name, .endpoint = "/s", .versions = {version}});
  };
  EXPECT_EQ(wrong("CSIPlugin", "d", "1.0.0"), "");
  EXPECT_EQ(wrong("DevicePlugin", "d", "1.0.0"), "no handler registered for plugin type: DevicePlugin");
  EXPECT_EQ(wrong("CSIPlugin", "../d", "1.0.0"), "the plugin has no name");
  EXPECT_EQ(wrong("CSIPlugin", "d", "0.3.0"), "unsupported CSI versions of driver d: none of them is 1.x");
}

}  // namespace
}  // namespace wherry::kubelet
