#include "kubelet/volumes/local_volumes.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "json/yaml.h"

namespace wherry::kubelet {
namespace {

TEST(LocalVolumePath, IsRightBelowTheDirectory) {
  EXPECT_TRUE(isLocalVolumePath("/data/volumes/pvc-1_ns_claim", "/data/volumes"));
  EXPECT_FALSE(isLocalVolumePath("/data/volumes", "/data/volumes"));
  EXPECT_FALSE(isLocalVolumePath("/data/volumes/", "/data/volumes"));
  EXPECT_FALSE(isLocalVolumePath("/data/volumes/..", "/data/volumes"));
  EXPECT_FALSE(isLocalVolumePath("/data/volumes/../secrets", "/data/volumes"));
  EXPECT_FALSE(isLocalVolumePath("/data/volumes/a/b", "/data/volumes"));
  EXPECT_FALSE(isLocalVolumePath("/data/volumes2/a", "/data/volumes"));
  EXPECT_FALSE(isLocalVolumePath("/etc", "/data/volumes"));
}

TEST(LocalVolume, DataThatAreToBeRetainedStay) {
  const auto volume = [](std::string_view policy, std::string_view path) {
    return core_v1::PersistentVolume(std::make_shared<const meta::Object>(json::parseYaml(
        fmt::format("{{spec: {{persistentVolumeReclaimPolicy: {}, hostPath: {{path: {}}}}}}}", policy, path))));
  };
  EXPECT_TRUE(takesDataAlong(volume("Delete", "/data/volumes/a"), "/data/volumes"));
  EXPECT_FALSE(takesDataAlong(volume("Retain", "/data/volumes/a"), "/data/volumes"));
  EXPECT_FALSE(takesDataAlong(volume("Delete", "/home/a"), "/data/volumes"));
}

}  // namespace
}  // namespace wherry::kubelet
