#include "controllers/attach_detach.h"

#include <gtest/gtest.h>

#include "json/yaml.h"
#include "meta/persistent_volumes.h"

namespace wherry::controllers {
namespace {

using core_v1::Node;
using core_v1::PersistentVolume;
using core_v1::Pod;
using storage_v1::CSIDriver;
using storage_v1::VolumeAttachment;

template <typename View>
View of(const std::string& yaml) {
  return View(std::make_shared<const meta::Object>(json::parseYaml(yaml)));
}

Pod podOn(const std::string& node, const std::string& status = "") {
  return of<Pod>("{metadata: {name: p, namespace: shop}, spec: {nodeName: " + node + "}, status: {" + status + "}}");
}

PersistentVolume volumeOf(const std::string& mode) {
  return of<PersistentVolume>("{metadata: {name: v}, spec: {accessModes: [" + mode +
                              "], csi: {driver: d.example, volumeHandle: h}}}");
}

VolumeAttachment attachedTo(const std::string& node) {
  return of<VolumeAttachment>("{metadata: {name: to-" + node + "}, spec: {attacher: d.example, nodeName: " + node +
                              ", source: {persistentVolumeName: v}}}");
}

// "make a", "remove to-a", "refuse <message>".
std::vector<std::string> told(const AttachmentView& view) {
  std::vector<std::string> out;
  const auto decision = decideAttachments(view);
  for (const auto& name : decision.toRemove) out.push_back("remove " + name);
  for (const auto& made : decision.toMake) out.push_back("make " + std::string(json::getString(made, "spec.nodeName")));
  for (const auto& [pod, why] : decision.refused) out.push_back("refuse " + why);
  return out;
}

using Lines = std::vector<std::string>;

TEST(Attachments, FollowThePodsThatUseTheVolume) {
  const auto volume = volumeOf("ReadWriteOnce");
  EXPECT_EQ(told({.volume = volume, .pods = {podOn("a"), podOn("a")}}), Lines{"make a"});
  EXPECT_EQ(told({.volume = volume, .pods = {podOn("a")}, .attachments = {attachedTo("a")}}), Lines{});
  EXPECT_EQ(told({.volume = volume, .attachments = {attachedTo("a")}}), Lines{"remove to-a"});
  EXPECT_EQ(told({.volume = volume, .pods = {podOn("a", "phase: Succeeded")}, .attachments = {attachedTo("a")}}),
            Lines{"remove to-a"});
  EXPECT_EQ(told({.volume = {}, .attachments = {attachedTo("a")}}), Lines{"remove to-a"});
}

TEST(Attachments, StayAsLongAsTheNodeHasTheVolumeMounted) {
  const auto node = of<Node>("{metadata: {name: a}, status: {volumesInUse: ['kubernetes.io/csi/d.example^h']}}");
  EXPECT_EQ(told({.volume = volumeOf("ReadWriteOnce"), .nodes = {node}, .attachments = {attachedTo("a")}}), Lines{});
}

TEST(Attachments, AreMadeOnlyForDriversThatWantThem) {
  const auto none = of<CSIDriver>("{metadata: {name: d.example}, spec: {attachRequired: false}}");
  EXPECT_EQ(told({.volume = volumeOf("ReadWriteOnce"), .driver = none, .pods = {podOn("a")}}), Lines{});
}

TEST(Attachments, OfAVolumeForOneNodeAreNotTwo) {
  const std::string refused =
      "refuse Multi-Attach error for volume \"v\" Volume is already exclusively attached to one node and can't be "
      "attached to another";
  EXPECT_EQ(
      told({.volume = volumeOf("ReadWriteOnce"), .pods = {podOn("a"), podOn("b")}, .attachments = {attachedTo("a")}}),
      Lines{refused});
  EXPECT_EQ(told({.volume = volumeOf("ReadWriteOnce"), .pods = {podOn("b")}, .attachments = {attachedTo("a")}}),
            (Lines{"remove to-a", refused}));
  EXPECT_EQ(
      told({.volume = volumeOf("ReadWriteMany"), .pods = {podOn("a"), podOn("b")}, .attachments = {attachedTo("a")}}),
      Lines{"make b"});
}

TEST(Attachments, AreNamedAsDriversExpectIt) {
  const auto decision = decideAttachments({.volume = volumeOf("ReadWriteOnce"), .pods = {podOn("a")}});
  ASSERT_EQ(decision.toMake.size(), 1u);
  EXPECT_EQ(json::getString(decision.toMake[0], "metadata.name"), meta::attachmentName("h", "d.example", "a"));
  EXPECT_EQ(json::getString(decision.toMake[0], "spec.source.persistentVolumeName"), "v");
}

}  // namespace
}  // namespace wherry::controllers
