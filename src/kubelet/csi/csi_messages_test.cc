#include "kubelet/csi/csi_messages.h"

#include <gtest/gtest.h>

#include "kubelet/protobuf_reader.h"
#include "schema/protobuf_writer.h"

namespace wherry::kubelet {
namespace {

using schema::ProtobufWriter;

// A message's fields as text: "1:id 4:{2:{1:ext4} 3:{1:1}}". Fields that hold messages are named by their numbers.
std::string told(std::string_view message, const std::vector<uint64_t>& nested) {
  std::string out;
  EXPECT_TRUE(readProtobuf(message, [&](const ProtobufValue& value) {
    if (!out.empty()) out += ' ';
    out += std::to_string(value.field) + ":";
    bool isMessage = std::find(nested.begin(), nested.end(), value.field) != nested.end();
    if (isMessage)
      out += "{" + told(value.bytes, {}) + "}";
    else
      out += value.bytes.data() ? std::string(value.bytes) : std::to_string(value.number);
  }));
  return out;
}

// As told(), for a request whose capability has this number: its own messages are shown too.
std::string toldCapability(std::string_view message, uint64_t field) {
  std::string out;
  readProtobuf(message, [&](const ProtobufValue& value) {
    if (value.field == field) out = told(value.bytes, {1, 2, 3});
  });
  return out;
}

CsiMountRequest request() {
  return {.volumeId = "vol",
          .publishContext = {{"device", "/dev/x"}},
          .stagingPath = "/staging",
          .targetPath = "/target",
          .capability = {.block = false,
                         .fsType = "ext4",
                         .mountFlags = {"noatime", "sync"},
                         .mountGroup = "2000",
                         .accessMode = CsiAccessMode::kMultiNodeMultiWriter},
          .readOnly = true,
          .secrets = {{"user", "me"}},
          .volumeContext = {{"colour", "red"}}};
}

TEST(CsiMessages, RequestsHaveTheFieldsOfTheInterface) {
  CsiMountRequest asked = request();
  asked.capability = {.block = true, .fsType = {}, .mountFlags = {}, .mountGroup = {}};
  EXPECT_EQ(told(renderStage(asked), {2, 4, 5, 6}),
            "1:vol 2:{1:device 2:/dev/x} 3:/staging 4:{1: 3:\x8\x1} 5:{1:user 2:me} 6:{1:colour 2:red}");
  EXPECT_EQ(toldCapability(renderStage(asked), 4), "1:{} 3:{1:1}");
  EXPECT_EQ(toldCapability(renderStage(request()), 4), "2:{1:ext4 2:noatime 2:sync 3:2000} 3:{1:5}");
  EXPECT_EQ(toldCapability(renderPublish(request()), 5), "2:{1:ext4 2:noatime 2:sync 3:2000} 3:{1:5}");
  EXPECT_EQ(told(renderUnpublish("vol", "/target"), {}), "1:vol 2:/target");
  EXPECT_EQ(told(renderUnstage("vol", "/staging"), {}), "1:vol 2:/staging");
  EXPECT_EQ(told(renderStats("vol", "/path", "/staging"), {}), "1:vol 2:/path 3:/staging");
  EXPECT_EQ(told(renderExpand({.volumeId = "vol", .volumePath = "/p", .stagingPath = "/s", .bytes = 300}), {3, 5}),
            "1:vol 2:/p 3:{1:300} 4:/s 5:{2: 3:\x8\x1}");
  EXPECT_EQ(told(renderRegistrationStatus(""), {}), "1:1");
  EXPECT_EQ(told(renderRegistrationStatus("no"), {}), "2:no");
}

TEST(CsiMessages, PublishAlsoSaysWhereAndHow) {
  std::string text = told(renderPublish(request()), {2, 7, 8});
  EXPECT_NE(text.find("3:/staging 4:/target"), std::string::npos) << text;
  EXPECT_NE(text.find("6:1 7:{1:user 2:me} 8:{1:colour 2:red}"), std::string::npos) << text;
}

TEST(CsiMessages, AnswersAreRead) {
  ProtobufWriter info;
  info.text(1, "CSIPlugin");
  info.text(2, "d.example");
  info.text(3, "/csi.sock");
  info.text(4, "1.0.0");
  auto plugin = parsePluginInfo(info.take());
  ASSERT_TRUE(plugin);
  EXPECT_EQ(plugin->name + " " + plugin->endpoint + " " + plugin->versions.at(0), "d.example /csi.sock 1.0.0");

  ProtobufWriter node;
  node.text(1, "node-1");
  node.integer(2, 5);
  node.message(3, [](ProtobufWriter& topology) {
    topology.message(1, [](ProtobufWriter& entry) {
      entry.text(1, "zone");
      entry.text(2, "here");
    });
  });
  auto found = parseNodeInfo(node.take());
  ASSERT_TRUE(found);
  EXPECT_EQ(found->nodeId, "node-1");
  EXPECT_EQ(found->maxVolumes, 5);
  EXPECT_EQ(found->topology, (CsiMap{{"zone", "here"}}));

  ProtobufWriter capabilities;
  for (int type : {1, 3}) {
    capabilities.message(
        1, [&](ProtobufWriter& one) { one.message(1, [&](ProtobufWriter& rpc) { rpc.integer(1, type); }); });
  }
  EXPECT_EQ(parseNodeCapabilities(capabilities.take()),
            (std::set<CsiNodeAbility>{CsiNodeAbility::kStage, CsiNodeAbility::kExpand}));
}

TEST(CsiMessages, StatsHaveBytesInodesAndACondition) {
  ProtobufWriter out;
  auto usage = [&](int unit, int available, int total, int used) {
    out.message(1, [&](ProtobufWriter& entry) {
      entry.integer(1, available);
      entry.integer(2, total);
      entry.integer(3, used);
      entry.integer(4, unit);
    });
  };
  usage(1, 6, 10, 4);
  usage(2, 60, 100, 40);
  EXPECT_FALSE(parseStats(std::string(out.take()))->abnormal);
  usage(1, 6, 10, 4);
  usage(2, 60, 100, 40);
  out.message(2, [](ProtobufWriter& condition) {
    condition.boolean(1, true);
    condition.text(2, "the disk is gone");
  });
  auto stats = parseStats(out.take());
  ASSERT_TRUE(stats);
  EXPECT_EQ(stats->availableBytes, 6);
  EXPECT_EQ(stats->capacityBytes, 10);
  EXPECT_EQ(stats->usedInodes, 40);
  EXPECT_EQ(stats->abnormal, true);
  EXPECT_EQ(stats->message, "the disk is gone");
}

TEST(CsiMessages, WhatIsCutOffIsNoMessage) {
  const std::string whole = renderPublish(request());
  for (size_t size = 1; size < whole.size(); ++size) {
    readProtobuf(std::string_view(whole).substr(0, size), [](const ProtobufValue&) {});  // at least doesn't read on
  }
  EXPECT_FALSE(
      parsePluginInfo("\x0a\x05"
                      "ab"));
  EXPECT_FALSE(parseNodeInfo("\x0b"));
  EXPECT_FALSE(parseStats(std::string(12, '\xff')));
  EXPECT_TRUE(parsePluginInfo(""));
}

}  // namespace
}  // namespace wherry::kubelet
