#include "scheduler/volume_needs.h"

#include <map>

#include <gtest/gtest.h>

#include "json/yaml.h"
#include "scheduler/cluster_cache.h"
#include "scheduler/cycle.h"
#include "scheduler/preemption.h"

namespace wherry::scheduler {
namespace {

meta::ObjectPtr objectOf(std::string_view yaml) { return std::make_shared<const meta::Object>(json::parseYaml(yaml)); }

// Objects of all kinds by name.
struct World {
  std::map<std::string, meta::ObjectPtr, std::less<>> claims, volumes, classes, drivers, capacities;
  std::map<std::string, int64_t, std::less<>> limits;  // of each node, by driver
  ClusterCache cache{};                                // the nodes a and b

  static std::vector<meta::ObjectPtr> all(const std::map<std::string, meta::ObjectPtr, std::less<>>& objects) {
    std::vector<meta::ObjectPtr> out;
    for (const auto& [name, object] : objects) out.push_back(object);
    return out;
  }

  Storage storage() const {
    const auto get = [](const auto& map, std::string_view name) {
      const auto found = map.find(name);
      return found == map.end() ? nullptr : found->second;
    };
    return {.claim = [=, this](auto, auto name) { return get(claims, name); },
            .volume = [=, this](auto name) { return get(volumes, name); },
            .storageClass = [=, this](auto name) { return get(classes, name); },
            .volumes = [this] { return all(volumes); },
            .csiDriver = [=, this](auto name) { return get(drivers, name); },
            .capacities = [this] { return all(capacities); }};
  }
};

constexpr std::string_view kHere =
    "nodeAffinity: {required: {nodeSelectorTerms: [{matchExpressions: [{key: host, operator: In, values: [a]}]}]}}";

World worldOf(std::string_view claim, std::string_view volume = "", std::string_view storageClass = "") {
  World world;
  if (!claim.empty()) world.claims["data"] = objectOf(claim);
  if (!volume.empty()) world.volumes["v"] = objectOf(volume);
  if (!storageClass.empty()) world.classes["disk"] = objectOf(storageClass);
  return world;
}

constexpr const char* kPod =
    "{metadata: {name: web, namespace: default, uid: p}, spec: {volumes: [{name: d, persistentVolumeClaim: {claimName: "
    "data}}]}}";

// Where a pod with the claim "data" goes, of the nodes a and b; or why it goes nowhere.
std::string place(World world, std::string_view pod = kPod) {
  for (const char* name : {"a", "b"}) {
    world.cache.putNode(core_v1::Node(objectOf(std::string("{metadata: {name: ") + name + ", labels: {host: " + name +
                                               "}}, status: {allocatable: {cpu: '2', memory: 4Gi, pods: '10'}}}")));
  }
  PodInfo info(core_v1::Pod{objectOf(pod)});
  info.volumes = decideVolumeNeeds(info.pod, world.storage());
  const NodeVolumes volumes{.attachedBy = [&](const auto& of) { return attachedVolumes(of, world.storage()); },
                            .limits = [&](auto) { return world.limits; }};
  const CycleState cycle(info, world.cache, {}, volumes);
  const auto first = [](size_t count) { return count - 1; };
  const auto placement = decidePlacement(cycle, first);
  if (placement.node.empty()) {
    const auto plan = decidePreemption(cycle, placement.refused, {}, first);
    if (plan.node.empty()) return placement.message;
    return "instead of " + std::string(plan.victims.front()->pod.metadata().name()) + " on " + plan.node;
  }
  return placement.node + (info.volumes.unbound.empty() ? "" : " and then the claim");
}

TEST(VolumeNeeds, AVolumeLeadsThePodToItsNode) {
  const std::string volume =
      "{metadata: {name: v}, spec: {claimRef: {name: data, uid: c}, " + std::string(kHere) + "}}";
  EXPECT_EQ(place(worldOf("{metadata: {name: data, uid: c}, spec: {volumeName: v}}", volume)), "a");
  EXPECT_EQ(place(worldOf("{metadata: {name: data, uid: c}, spec: {volumeName: v}}",
                          "{metadata: {name: v}, spec: {claimRef: {name: data, uid: c}}}")),
            "b");
}

TEST(VolumeNeeds, NoNodeWillDoForAClaimThatIsNotThere) {
  EXPECT_EQ(place(World()), "0/2 nodes are available: persistentvolumeclaim \"data\" not found.");
  EXPECT_EQ(place(worldOf("{metadata: {name: data, deletionTimestamp: '2026-01-01T00:00:00Z'}, spec: {}}")),
            "0/2 nodes are available: persistentvolumeclaim \"data\" is being deleted.");
}

TEST(VolumeNeeds, AClaimOfModeImmediateIsBoundFirst) {
  EXPECT_EQ(place(worldOf("{metadata: {name: data}, spec: {storageClassName: disk}}", "",
                          "{metadata: {name: disk}, volumeBindingMode: Immediate}")),
            "0/2 nodes are available: pod has unbound immediate PersistentVolumeClaims.");
  // Bound by the claim's word alone: the volume is another's.
  EXPECT_EQ(place(worldOf("{metadata: {name: data, uid: c}, spec: {volumeName: v}}",
                          "{metadata: {name: v}, spec: {claimRef: {name: other, uid: o}}}")),
            "0/2 nodes are available: pod has unbound immediate PersistentVolumeClaims.");
}

TEST(VolumeNeeds, TheFirstConsumerChoosesTheNode) {
  EXPECT_EQ(place(worldOf("{metadata: {name: data}, spec: {storageClassName: disk}}", "",
                          "{metadata: {name: disk}, provisioner: p, volumeBindingMode: WaitForFirstConsumer}")),
            "b and then the claim");
}

TEST(VolumeNeeds, WhereNothingIsProvisionedTheNodeMustHaveAVolume) {
  constexpr std::string_view kStatic =
      "{metadata: {name: disk}, provisioner: kubernetes.io/no-provisioner, volumeBindingMode: WaitForFirstConsumer}";
  constexpr std::string_view kClaim = "{metadata: {name: data, namespace: default}, spec: {storageClassName: disk}}";
  const auto volume = [](std::string_view more) {
    return "{metadata: {name: v}, spec: {storageClassName: disk, " + std::string(kHere) + std::string(more) + "}}";
  };
  EXPECT_EQ(place(worldOf(kClaim, volume(""), kStatic)), "a and then the claim");
  EXPECT_EQ(place(worldOf(kClaim, volume(", claimRef: {name: other}"), kStatic)),
            "0/2 nodes are available: 2 node(s) didn't find available persistent volumes to bind.");
}

TEST(VolumeNeeds, AClaimOfOnePodIsNotAnothers) {
  const auto world = [](std::string_view modes, std::string_view node) {
    auto made = worldOf("{metadata: {name: data, namespace: default, uid: c}, spec: {volumeName: v, accessModes: [" +
                            std::string(modes) + "]}}",
                        "{metadata: {name: v}, spec: {claimRef: {name: data, uid: c}}}");
    made.cache.putPod(
        core_v1::Pod(objectOf("{metadata: {name: first, namespace: default}, spec: {nodeName: " + std::string(node) +
                              ", volumes: [{name: d, persistentVolumeClaim: {claimName: data}}]}}")));
    return made;
  };
  const char* refused =
      "0/2 nodes are available: 2 node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod "
      "access mode.";
  EXPECT_EQ(place(world("ReadWriteOncePod", "a")), refused);
  EXPECT_EQ(place(world("ReadWriteOnce", "a")), "b");
}

TEST(VolumeNeeds, AClaimOfOnePodIsTakenFromALessImportantOne) {
  auto world = worldOf(
      "{metadata: {name: data, namespace: default, uid: c}, spec: {volumeName: v, accessModes: "
      "[ReadWriteOncePod]}}",
      "{metadata: {name: v}, spec: {claimRef: {name: data, uid: c}}}");
  const auto has = [&](const std::string& name, const std::string& claim, int priority) {
    world.cache.putPod(core_v1::Pod(objectOf(
        "{metadata: {name: " + name + ", namespace: default}, spec: {nodeName: a, priority: " +
        std::to_string(priority) + ", volumes: [{name: d, persistentVolumeClaim: {claimName: " + claim + "}}]}}")));
  };
  constexpr const char* kImportant =
      "{metadata: {name: web, namespace: default, uid: p}, spec: {priority: 10, volumes: [{name: d, "
      "persistentVolumeClaim: {claimName: data}}]}}";
  has("bystander", "other", 1);
  has("first", "data", 1);
  EXPECT_EQ(place(world, kImportant), "instead of first on a");
  has("first", "data", 20);
  EXPECT_TRUE(place(world, kImportant).starts_with("0/2 nodes are available: 2 node has pod using"));
}

TEST(VolumeNeeds, ADriverAttachesOnlySoManyVolumesToANode) {
  auto world =
      worldOf("{metadata: {name: data, namespace: default, uid: c}, spec: {volumeName: v}}",
              "{metadata: {name: v}, spec: {claimRef: {name: data, uid: c}, csi: {driver: d, volumeHandle: h}}}");
  world.claims["other"] = objectOf("{metadata: {name: other, namespace: default, uid: o}, spec: {volumeName: w}}");
  world.volumes["w"] =
      objectOf("{metadata: {name: w}, spec: {claimRef: {name: other, uid: o}, csi: {driver: d, volumeHandle: i}}}");
  const auto has = [&](const std::string& node, const std::string& claim, int priority) {
    world.cache.putPod(core_v1::Pod(objectOf(
        "{metadata: {name: on-" + node + ", namespace: default}, spec: {nodeName: " + node + ", priority: " +
        std::to_string(priority) + ", volumes: [{name: d, persistentVolumeClaim: {claimName: " + claim + "}}]}}")));
  };
  world.limits = {{"d", 1}, {"e", 0}};
  has("b", "other", 1);
  EXPECT_EQ(place(world), "a");
  has("a", "other", 1);
  EXPECT_EQ(place(world), "0/2 nodes are available: 2 node(s) exceed max volume count.");
  has("a", "data", 1);  // it is attached there already
  EXPECT_EQ(place(world), "a");
  has("a", "other", -1);
  EXPECT_EQ(place(world), "instead of on-a on a");
  world.limits = {};
  EXPECT_EQ(place(world), "b");
}

TEST(VolumeNeeds, AVolumeIsMadeWhereItsDriverHasRoom) {
  auto world = worldOf(
      "{metadata: {name: data, namespace: default}, spec: {storageClassName: disk, resources: {requests: "
      "{storage: 2Gi}}}}",
      "", "{metadata: {name: disk}, provisioner: p, volumeBindingMode: WaitForFirstConsumer}");
  const char* refused = "0/2 nodes are available: 2 node(s) did not have enough free storage.";
  const auto room = [&](const std::string& of) {
    world.capacities["one"] = objectOf("{metadata: {name: one, namespace: p}, storageClassName: disk, " + of + "}");
    return place(world);
  };
  world.drivers["p"] = objectOf("{metadata: {name: p}, spec: {storageCapacity: true}}");
  EXPECT_EQ(place(world), refused);
  EXPECT_EQ(room("capacity: 2Gi, nodeTopology: {matchLabels: {host: a}}"), "a and then the claim");
  EXPECT_EQ(room("capacity: 1Gi, nodeTopology: {matchLabels: {host: a}}"), refused);
  EXPECT_EQ(room("capacity: 9Gi, maximumVolumeSize: 1Gi, nodeTopology: {}"), refused);
  EXPECT_EQ(room("capacity: 9Gi"), refused);  // it can be reached from no node
  // One that is there already needs no room.
  world.volumes["v"] = objectOf("{metadata: {name: v}, spec: {storageClassName: disk, " + std::string(kHere) + "}}");
  EXPECT_EQ(place(world), "a and then the claim");
  world.drivers["p"] = objectOf("{metadata: {name: p}, spec: {storageCapacity: false}}");
  EXPECT_EQ(place(world), "b and then the claim");
}

TEST(VolumeNeeds, AVolumeIsMadeWhereItsClassAllows) {
  const auto in = [](const std::string& host) {
    return place(worldOf("{metadata: {name: data}, spec: {storageClassName: disk}}", "",
                         "{metadata: {name: disk}, provisioner: p, volumeBindingMode: WaitForFirstConsumer, "
                         "allowedTopologies: [{matchLabelExpressions: [{key: host, values: [" +
                             host + "]}]}]}"));
  };
  EXPECT_EQ(in("a"), "a and then the claim");
  EXPECT_EQ(in("c"), "0/2 nodes are available: 2 node(s) didn't find available persistent volumes to bind.");
}

TEST(VolumeNeeds, AnEphemeralVolumeHasAClaimOfItsOwn) {
  constexpr const char* kEphemeral =
      "{metadata: {name: web, namespace: default, uid: p}, spec: {volumes: [{name: d, ephemeral: {}}]}}";
  EXPECT_EQ(place(worldOf(""), kEphemeral),
            "0/2 nodes are available: waiting for ephemeral volume controller to create the persistentvolumeclaim "
            "\"web-d\".");
  World world;
  world.claims["web-d"] = objectOf("{metadata: {name: web-d, namespace: default, uid: c}, spec: {volumeName: v}}");
  EXPECT_EQ(place(world, kEphemeral),
            "0/2 nodes are available: PVC default/web-d was not created for pod default/web (pod is not owner).");
  world.claims["web-d"] = objectOf(
      "{metadata: {name: web-d, namespace: default, uid: c, ownerReferences: [{kind: Pod, uid: p, controller: true}]}, "
      "spec: {volumeName: v}}");
  world.volumes["v"] = objectOf("{metadata: {name: v}, spec: {claimRef: {name: web-d, uid: c}}}");
  EXPECT_EQ(place(world, kEphemeral), "b");
}

}  // namespace
}  // namespace wherry::scheduler
